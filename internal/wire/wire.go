// Package wire encodes and decodes JSON with encoding/json/v2, under one set of
// options for the whole module.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/maphash"
	"sync"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

var (
	// ErrNull means that a body is null.
	ErrNull = errors.New("the body is null")
	// ErrEmpty means that a body is empty.
	ErrEmpty = errors.New("the body is empty")
	// Of duplicate names the last one is used. Invalid UTF-8 is replaced by U+FFFD. Maps
	// are written sorted by key.
	common    = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsonv2.Deterministic(true))
	nilAsNull = jsonv2.JoinOptions(common, jsonv2.FormatNilSliceAsNull(true), jsonv2.FormatNilMapAsNull(true))
	model     = jsonv2.JoinOptions(nilAsNull, jsontext.AllowDuplicateNames(false))

	// Types passed to Client.Do are written for encoding/json.
	legacy = jsonv2.JoinOptions(
		jsonv1.DefaultOptionsV1(), jsonv1.ReportErrorsWithLegacySemantics(false), common, jsontext.EscapeForHTML(false),
		jsonv2.MatchCaseInsensitiveNames(false), jsonv2.FormatNilSliceAsNull(false), jsonv2.FormatNilMapAsNull(false),
	)

	// Options with functions for types are created on first use, because that takes 0.04
	// to 0.08 ms.
	tolerant = sync.OnceValue(func() jsonv2.Options {
		return jsonv2.JoinOptions(common, jsonv2.WithUnmarshalers(tolerantReaders()))
	})
	generic = sync.OnceValue(func() jsonv2.Options {
		return jsonv2.JoinOptions(legacy, jsonv2.WithUnmarshalers(genericReaders()))
	})
	tolerantGeneric = sync.OnceValue(func() jsonv2.Options {
		return jsonv2.JoinOptions(legacy, jsonv2.WithUnmarshalers(jsonv2.JoinUnmarshalers(tolerantReaders(), genericReaders())))
	})

	// For the mirror of encoding/json/v2 a json.Number is a string.
	numbers = jsonv2.MarshalToFunc(func(enc *jsontext.Encoder, n json.Number) error {
		return enc.WriteValue(jsontext.Value(n))
	})
	redactRaw = jsonv2.MarshalToFunc(func(enc *jsontext.Encoder, _ json.RawMessage) error {
		return enc.WriteToken(jsontext.String(Redacted))
	})
)

// Marshal encodes the body of a request. Nil slices and maps are encoded as empty
// ones, and secrets are not redacted.
func Marshal(v any) ([]byte, error) { return marshal(v, legacy, revealing, numbers) }

// MarshalModel encodes a value for the MarshalJSON method of its type. Nil slices
// and maps are encoded as null, as in package encoding/json. A name that is both a field
// and in an Extra is an error.
func MarshalModel(v any) ([]byte, error) { return marshal(v, model, numbers) }

// MarshalObject encodes a free-form object under the options of the encoder.
func MarshalObject(enc *jsontext.Encoder, object map[string]any) error {
	own, _ := jsonv2.GetOption(enc.Options(), jsonv2.WithMarshalers)
	return jsonv2.MarshalEncode(enc, object, jsonv2.WithMarshalers(jsonv2.JoinMarshalers(own, numbers)))
}

// Text returns a value as JSON for people, with every json.RawMessage redacted, such as
// the fields in an Extra.
func Text(v any) string {
	data, err := marshal(v, nilAsNull, redactRaw, numbers)
	if err != nil {
		return "[" + err.Error() + "]"
	}
	return string(data)
}

func marshal(v any, options jsonv2.Options, marshalers ...*jsonv2.Marshalers) ([]byte, error) {
	data, err := jsonv2.Marshal(v, options, jsonv2.WithMarshalers(jsonv2.JoinMarshalers(marshalers...)))
	return data, describe(err)
}

// Unmarshal decodes a body, which must be a single JSON value. Field names are
// case-sensitive, and unknown fields are ignored. Errors contain the path of the value
// but never its text, which may be a credential.
//
// Times are expected in RFC 3339 and integers without a fraction. A body with other
// forms is decoded again with slower readers.
func Unmarshal(data []byte, v any) error {
	return unmarshal(data, v, func() jsonv2.Options { return common }, tolerant)
}

// UnmarshalGeneric is [Unmarshal] for types of callers, which it decodes as
// encoding/json does. Numbers in values of type any are decoded as [json.Number].
func UnmarshalGeneric(data []byte, v any) error { return unmarshal(data, v, generic, tolerantGeneric) }

// TrimMark returns a body without a byte order mark at its beginning.
func TrimMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\ufeff")) }

func unmarshal(data []byte, v any, attempts ...func() jsonv2.Options) (err error) {
	data = bytes.Trim(TrimMark(data), " \t\r\n")
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

// ReadObject decodes an object or null as encoding/json does, with numbers as
// [json.Number]. Fields are added to the map into, which may be nil.
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

// A reader is a reusable decoder. A new one takes 7 allocations.
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
		name, _ := shared.text(ofName, quoted).(string)
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
		return shared.text(ofValue, quoted), err
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

// texts caches short strings by the hash of their JSON. The objects of a list have the
// same names and some equal values. The cache saves 11 of the 48 allocations of a listed
// integration and 7 percent of the memory of a collected one.
type texts [2][256]struct {
	quoted string
	text   any
}

// Names and values have places of their own, so that values do not displace names.
const (
	ofName = iota
	ofValue
)

const maxQuoted = 34 // longest JSON string in the cache

var textSeed = maphash.MakeSeed()

// text returns the text of a JSON string, from the cache if it is there. A nil cache
// stores nothing.
func (t *texts) text(kind int, quoted jsontext.Value) any {
	if t == nil || len(quoted) > maxQuoted {
		return unquote(quoted)
	}
	place := &t[kind][maphash.Bytes(textSeed, quoted)%uint64(len(t[kind]))]
	if place.quoted != string(quoted) {
		place.quoted, place.text = string(quoted), unquote(quoted)
	}
	return place.text
}

// unquote returns the text of a JSON string that the decoder has checked.
func unquote(quoted jsontext.Value) string {
	if text := quoted[1 : len(quoted)-1]; bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text)
	}
	text, _ := jsontext.AppendUnquote(nil, quoted)
	return string(text)
}
