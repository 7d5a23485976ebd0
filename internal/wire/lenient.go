package wire

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var lenient = sync.OnceValue(func() jsonv2.Options {
	return jsonv2.JoinOptions(common, jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(readLenient)))
})

// UnmarshalLenient is [Unmarshal] for JSON that a text template wrote, where quotes and
// what stands for null depend on the template. A number or boolean is accepted as a
// string, a string as a number, and an empty string as the zero value of any type.
// Times are read in the forms of [ParseTime].
func UnmarshalLenient(data []byte, v any) error {
	return unmarshal(data, v, lenient)
}

// readLenient reads the values that the usual readers do not accept.
func readLenient(dec *jsontext.Decoder, v any) error {
	target, kind := reflect.ValueOf(v).Elem(), dec.PeekKind()
	moment, isTime := v.(*time.Time)
	scalar := kind == '"' || kind == '0' || kind == 't' || kind == 'f'
	switch {
	case isTime && scalar:
	case target.Kind() == reflect.String && kind != '"' && scalar:
	case target.Kind() == reflect.Int64 && (kind == '"' || kind == '0'):
	case kind == '"' && target.Kind() == reflect.Struct:
	case kind == '"' && target.Kind() == reflect.Slice && target.Type().Elem().Kind() != reflect.Uint8:
	default:
		return errSkip
	}
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	text := string(value)
	if kind == '"' {
		text = strings.TrimSpace(unquote(value))
	}
	switch {
	case target.Kind() == reflect.String:
		target.SetString(text)
	case text == "":
		target.SetZero()
	case isTime:
		*moment, err = ParseTime(text)
	case target.Kind() == reflect.Int64 && !jsontext.Value(text).IsValid():
		err = errors.New("not a number")
	case target.Kind() == reflect.Int64:
		err = describe(jsonv2.Unmarshal([]byte(text), v, tolerant()))
	default: // the type's own method may accept a string
		err = describe(jsonv2.Unmarshal(value, v, common))
	}
	return err
}
