// Package wire holds the options under which this module reads and writes JSON
// with encoding/json/v2, and what those options need.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/maphash"
	"sync"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

var (
	// ErrNull says that a body is null.
	ErrNull = errors.New("the body is null")
	// ErrEmpty says that a body is empty.
	ErrEmpty = errors.New("the body is empty")
	// Of two members with one name the last one wins; text that is not UTF-8
	// becomes U+FFFD. The members of a map are written in the order of their names.
	common    = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsonv2.Deterministic(true))
	nilAsNull = jsonv2.JoinOptions(common, jsonv2.FormatNilSliceAsNull(true), jsonv2.FormatNilMapAsNull(true))

	// Callers of Client.Do bring types of their own, written for encoding/json.
	legacy = jsonv2.JoinOptions(
		jsonv1.DefaultOptionsV1(), jsonv1.ReportErrorsWithLegacySemantics(false), common, jsontext.EscapeForHTML(false),
		jsonv2.MatchCaseInsensitiveNames(false), jsonv2.FormatNilSliceAsNull(false), jsonv2.FormatNilMapAsNull(false),
	)

	// Functions for types take 0.04 to 0.08 ms to set up, so that no program does it
	// before it needs them.
	tolerant = sync.OnceValue(func() jsonv2.Options {
		return jsonv2.JoinOptions(common, jsonv2.WithUnmarshalers(tolerantReaders()))
	})
	generic = sync.OnceValue(func() jsonv2.Options {
		return jsonv2.JoinOptions(legacy, jsonv2.WithUnmarshalers(genericReaders()))
	})
	tolerantGeneric = sync.OnceValue(func() jsonv2.Options {
		return jsonv2.JoinOptions(legacy, jsonv2.WithUnmarshalers(jsonv2.JoinUnmarshalers(tolerantReaders(), genericReaders())))
	})

	// To the mirror of version 2, a number of encoding/json is a text.
	numbers = jsonv2.MarshalToFunc(func(enc *jsontext.Encoder, n json.Number) error {
		return enc.WriteValue(jsontext.Value(n))
	})
	redactRaw = jsonv2.MarshalToFunc(func(enc *jsontext.Encoder, _ json.RawMessage) error {
		return enc.WriteToken(jsontext.String(Redacted))
	})
)

// Redacted stands where a credential would.
const Redacted = "[redacted]"

// Revealing encodes values that redact themselves otherwise; package apono sets it.
var Revealing = func() *jsonv2.Marshalers { return nil }

// Marshal encodes what is sent: arrays and maps are never null, and values that
// redact themselves are as they are.
func Marshal(v any) ([]byte, error) { return marshal(v, legacy, Revealing(), numbers) }

// MarshalModel encodes a value for the MarshalJSON method of its type, with null
// for nil slices and maps as in package encoding/json.
func MarshalModel(v any) ([]byte, error) { return marshal(v, nilAsNull, numbers) }

// MarshalRedacted is [MarshalModel] with the members that have no field
// redacted. Further marshalers come first.
func MarshalRedacted(v any, further ...*jsonv2.Marshalers) ([]byte, error) {
	return marshal(v, nilAsNull, append(further, redactRaw, numbers)...)
}

func marshal(v any, options jsonv2.Options, marshalers ...*jsonv2.Marshalers) ([]byte, error) {
	data, err := jsonv2.Marshal(v, options, jsonv2.WithMarshalers(jsonv2.JoinMarshalers(marshalers...)))
	return data, describe(err)
}

// Unmarshal decodes a body that must hold one JSON value and nothing after it.
// Names of members are case-sensitive, and members that no field takes are
// ignored. Errors name the place of the value and never quote the body, which
// may hold credentials.
//
// Times in RFC 3339 and integers without a fraction are the common case; only a
// body that has others is decoded a second time, with readers for every form.
func Unmarshal(data []byte, v any) error {
	return unmarshal(data, v, func() jsonv2.Options { return common }, tolerant)
}

// UnmarshalGeneric is [Unmarshal] for the types of callers, which it reads as
// encoding/json does. Numbers in values of type any become a [json.Number].
func UnmarshalGeneric(data []byte, v any) error { return unmarshal(data, v, generic, tolerantGeneric) }

func unmarshal(data []byte, v any, attempts ...func() jsonv2.Options) (err error) {
	data = bytes.Trim(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	switch {
	case len(data) == 0:
		return ErrEmpty
	case string(data) == "null":
		return ErrNull
	}
	for _, options := range attempts {
		err = jsonv2.Unmarshal(data, v, options())
		if wrong := (*jsonv2.SemanticError)(nil); !errors.As(err, &wrong) {
			break
		}
	}
	return describe(err)
}

// ReadObject decodes an object, or null, as encoding/json does, with numbers as
// [json.Number]. Members are added to the map that is there, if any.
func ReadObject(data []byte, into map[string]any) (map[string]any, error) {
	r := readers.Get().(*reader) //nolint:forcetypeassert // nothing else is put there
	defer readers.Put(r)
	r.buffer = *bytes.NewBuffer(data)
	r.Reset(&r.buffer, common)
	token, err := r.ReadToken()
	switch {
	case err != nil || token.Kind() == 'n':
		return nil, err
	case token.Kind() != '{':
		return into, errors.New("not an object")
	case into == nil:
		into = map[string]any{}
	}
	return into, readMembers(&r.Decoder, &r.texts, into)
}

// A reader is a decoder that is used again; a new one takes 7 allocations.
type reader struct {
	jsontext.Decoder
	buffer bytes.Buffer
	texts  texts
}

var readers = sync.Pool{New: func() any { return new(reader) }}

func genericReaders() *jsonv2.Unmarshalers {
	return jsonv2.JoinUnmarshalers(
		jsonv2.UnmarshalFromFunc(readNumber),
		jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) (err error) {
			*v, err = readAny(dec, nil)
			return err
		}),
	)
}

func readNumber(dec *jsontext.Decoder, n *json.Number) error {
	value, err := dec.ReadValue()
	if err == nil && json.Unmarshal(value, n) != nil {
		err = errors.New("not a number")
	}
	return err
}

func readMembers(dec *jsontext.Decoder, shared *texts, members map[string]any) error {
	for dec.PeekKind() != '}' {
		quoted, err := dec.ReadValue()
		if err != nil {
			return err
		}
		name, _ := shared.text(quoted).(string)
		if members[name], err = readAny(dec, shared); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func readAny(dec *jsontext.Decoder, shared *texts) (any, error) {
	if dec.PeekKind() == '"' {
		quoted, err := dec.ReadValue()
		return shared.text(quoted), err
	}
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		members := map[string]any{}
		return members, readMembers(dec, shared, members)
	case '[':
		elements := []any{}
		for dec.PeekKind() != ']' {
			element, err := readAny(dec, shared)
			if err != nil {
				return nil, err
			}
			elements = append(elements, element)
		}
		_, err := dec.ReadToken()
		return elements, err
	case '0':
		return json.Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

// texts are strings that were read, each in the place that its hash gives it. The
// objects of a list have the same names and many of the same values: sharing them
// saves 19 of 44 allocations of a listed integration, and a sixth of the memory of a
// collected one.
type texts [256]any

var textSeed = maphash.MakeSeed()

// text returns the string that is quoted. With no texts it is a new one.
func (t *texts) text(quoted jsontext.Value) any {
	var buffer [64]byte                                   // a longer text is not worth keeping
	text, _ := jsontext.AppendUnquote(buffer[:0], quoted) // the decoder has checked it
	if t == nil || len(text) > len(buffer) {
		return string(text)
	}
	place := &t[maphash.Bytes(textSeed, text)%uint64(len(t))]
	if known, ok := (*place).(string); !ok || known != string(text) {
		*place = string(text)
	}
	return *place
}
