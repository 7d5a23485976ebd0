package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// decodeGenerated decodes a response as a strict generated client does. Unknown
// members, missing members and unknown enum values are errors.
func decodeGenerated(s *openapi3.Schema, data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(reflect.New(generatedType(s)).Interface()); err != nil {
		return err
	}
	return checkGenerated("", s, parse(data))
}

func generatedType(s *openapi3.Schema) reflect.Type {
	switch kindOf(s) {
	case "string":
		return reflect.TypeFor[string]()
	case "boolean":
		return reflect.TypeFor[bool]()
	case "int32":
		return reflect.TypeFor[int32]()
	case "int64":
		return reflect.TypeFor[int64]()
	case "time":
		if s.Type.Is("number") {
			return reflect.TypeFor[float64]()
		}
		return reflect.TypeFor[time.Time]()
	case "array":
		return reflect.SliceOf(generatedType(s.Items.Value))
	case "map of strings":
		return reflect.TypeFor[map[string]string]()
	case "object":
		var fields []reflect.StructField
		for i, name := range slices.Sorted(maps.Keys(s.Properties)) {
			t := generatedType(s.Properties[name].Value)
			if !slices.Contains(s.Required, name) {
				t = reflect.PointerTo(t)
			}
			fields = append(fields, field(fmt.Sprintf("F%d", i), name, t))
		}
		return reflect.StructOf(fields)
	}
	return reflect.TypeFor[map[string]any]()
}

// checkGenerated checks what decoding does not: null, enums and required members.
func checkGenerated(at string, s *openapi3.Schema, value any) error {
	switch value := value.(type) {
	case nil:
		if !s.Nullable {
			return fmt.Errorf("%s is null", at)
		}
	case string:
		if s.Enum != nil && !slices.Contains(s.Enum, any(value)) {
			return fmt.Errorf("%s: %q is not a value of %s", at, value, s.Title)
		}
	case []any:
		for i, element := range value {
			if err := checkGenerated(fmt.Sprintf("%s[%d]", at, i), s.Items.Value, element); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := value[name]; !ok {
				return fmt.Errorf("%s.%s is missing", at, name)
			}
		}
		for name, member := range value {
			schema := s.Properties[name]
			if schema == nil {
				schema = s.AdditionalProperties.Schema
			}
			if schema == nil || schema.Value.Type == nil {
				continue
			}
			if err := checkGenerated(at+"."+name, schema.Value, member); err != nil {
				return err
			}
		}
	}
	return nil
}
