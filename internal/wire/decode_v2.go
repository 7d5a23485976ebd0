//go:build go1.27 && goexperiment.jsonv2

package wire

import (
	jsonv1 "encoding/json"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"reflect"
	"strings"
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

// Free-form values are decoded here for the sake of their numbers.

func decodeObject(decoder *jsontext.Decoder, object *map[string]any) error {
	if decoder.PeekKind() != '{' {
		return errors.ErrUnsupported
	}
	value, err := freeForm(decoder)
	if members, ok := value.(map[string]any); ok {
		*object = members
	}
	return err
}

func decodeAny(decoder *jsontext.Decoder, value *any) (err error) {
	*value, err = freeForm(decoder)
	return err
}

func freeForm(decoder *jsontext.Decoder) (any, error) {
	token, err := decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		members := map[string]any{}
		for decoder.PeekKind() != '}' {
			name, err := decoder.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String() // the token does not outlast the next
			if members[key], err = freeForm(decoder); err != nil {
				return nil, err
			}
		}
		_, err = decoder.ReadToken()
		return members, err
	case '[':
		list := []any{}
		for decoder.PeekKind() != ']' {
			element, err := freeForm(decoder)
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		_, err = decoder.ReadToken()
		return list, err
	case '"':
		return token.String(), nil
	case '0':
		return jsonv1.Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
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
