//go:build go1.27 && goexperiment.jsonv2

package wire

import (
	jsonv1 "encoding/json"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"reflect"
	"strings"
	"sync"
	"time"
)

// The options under which encoding/json/v2 reads what encoding/json does, but
// for the case of names.
var (
	lenient = json.JoinOptions(
		jsontext.AllowDuplicateNames(true),
		jsontext.AllowInvalidUTF8(true),
		jsonv1.MergeWithLegacySemantics(true),
		jsonv1.ParseTimeWithLooseRFC3339(true),
		jsonv1.ParseBytesWithLooseRFC4648(true),
		jsonv1.UnmarshalArrayFromAnyLength(true),
		json.WithUnmarshalers(json.JoinUnmarshalers(
			json.UnmarshalFromFunc(decodeObject), json.UnmarshalFromFunc(decodeAny),
		)),
	)
	strict = json.JoinOptions(lenient, json.RejectUnknownMembers(true))
)

func decode(data []byte, v any, known bool) (unknown bool, err error) {
	options := lenient
	if known {
		options = strict
	}
	err = json.Unmarshal(data, v, options)
	return errors.Is(err, json.ErrUnknownName), err
}

// freeForm decodes free-form values, for the sake of their numbers. It also
// shares the short texts, because the objects of a list repeat most of them.
type freeForm struct{ texts map[string]any }

var freeForms = sync.Pool{New: func() any { return &freeForm{map[string]any{}} }}

// Bounds of what is shared.
const (
	sharedLength = 32
	sharedTexts  = 256
)

func decodeObject(decoder *jsontext.Decoder, object *map[string]any) error {
	if decoder.PeekKind() != '{' {
		return errors.ErrUnsupported
	}
	var value any
	err := decodeAny(decoder, &value)
	if members, ok := value.(map[string]any); ok {
		*object = members
	}
	return err
}

func decodeAny(decoder *jsontext.Decoder, value *any) (err error) {
	f := freeForms.Get().(*freeForm) //nolint:forcetypeassert // nothing else is put there
	defer freeForms.Put(f)
	*value, err = f.value(decoder)
	return err
}

func (f *freeForm) value(decoder *jsontext.Decoder) (any, error) {
	switch decoder.PeekKind() {
	case '{':
		return f.object(decoder)
	case '[':
		return f.array(decoder)
	case '"':
		return f.text(decoder)
	}
	token, err := decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '0':
		return jsonv1.Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func (f *freeForm) object(decoder *jsontext.Decoder) (any, error) {
	_, err := decoder.ReadToken()
	members := map[string]any{}
	for err == nil && decoder.PeekKind() != '}' {
		var name, member any
		if name, err = f.text(decoder); err != nil {
			return nil, err
		}
		member, err = f.value(decoder)
		members[name.(string)] = member //nolint:forcetypeassert // text gives strings
	}
	if err == nil {
		_, err = decoder.ReadToken()
	}
	return members, err
}

func (f *freeForm) array(decoder *jsontext.Decoder) (any, error) {
	_, err := decoder.ReadToken()
	list := []any{}
	for err == nil && decoder.PeekKind() != ']' {
		var element any
		element, err = f.value(decoder)
		list = append(list, element)
	}
	if err == nil {
		_, err = decoder.ReadToken()
	}
	return list, err
}

// text reads a string, as a value or as a name.
func (f *freeForm) text(decoder *jsontext.Decoder) (any, error) {
	quoted, err := decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	if shared, ok := f.texts[string(quoted)]; ok {
		return shared, nil
	}
	var text string
	if err := json.Unmarshal(quoted, &text, jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, err
	}
	if len(quoted) > sharedLength {
		return text, nil
	}
	if len(f.texts) >= sharedTexts {
		clear(f.texts)
	}
	shared := any(text)
	f.texts[string(quoted)] = shared
	return shared, nil
}

// concealType drops the value from an error about a type.
func concealType(err error, pointer reflect.Type) error {
	semantic := (*json.SemanticError)(nil)
	if !errors.As(err, &semantic) || semantic.GoType == nil {
		return errUnfit
	}
	switch t := semantic.GoType; {
	case t == reflect.TypeFor[time.Time]():
		return errTime
	case t == numberType || kinds[semantic.JSONKind] == "":
		return errUnfit
	case semantic.Err != nil && reflect.PointerTo(t).Implements(unmarshaler):
		return semantic.Err // the type's own
	}
	var path []string
	for name := range semantic.JSONPointer.Tokens() {
		if strings.Trim(name, "0123456789") != "" { // not the index of an array
			path = append(path, name)
		}
	}
	return newTypeError(kinds[semantic.JSONKind], strings.Join(path, "."), semantic.GoType, pointer)
}

var kinds = map[jsontext.Kind]string{'{': "object", '[': "array", '"': "string", '0': "number", 't': "bool", 'f': "bool"}
