package aponotest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object. Numbers are of type json.Number.
type object = map[string]any

// schema describes a JSON value. The schemas follow the API's document and do not use
// the types of package apono, so that a mistake in one of them fails a test.
type schema struct {
	kind       kind
	fields     map[string]field
	element    *schema  // of an array or map
	values     []string // allowed for a string, nil for any
	exactlyOne bool     // whether exactly one of the fields must be set
	// wrong returns what is wrong with a string, or "".
	wrong func(string) string
}

type field struct {
	*schema
	required bool
	filled   bool // whether a string or list must not be empty
	added    bool // whether the field was added with spaces
	relaxed  bool // whether the field was required before spaces
}

type kind string

const (
	aString  kind = "a string"
	aBoolean kind = "true or false"
	anInt32  kind = "a 32-bit integer"
	anInt64  kind = "an integer"
	aTime    kind = "an RFC 3339 time"
	anObject kind = "an object"
	anArray  kind = "an array"
	aMap     kind = "a JSON object"
	anything kind = "any value"
)

var (
	text     = &schema{kind: aString}
	boolean  = &schema{kind: aBoolean}
	int32s   = &schema{kind: anInt32}
	int64s   = &schema{kind: anInt64}
	instant  = &schema{kind: aTime}
	texts    = listOf(text)
	textMap  = mapOf(text)
	freeForm = mapOf(&schema{kind: anything})
)

func oneText(values ...string) *schema { return &schema{kind: aString, values: values} }

func listOf(element *schema) *schema { return &schema{kind: anArray, element: element} }
func mapOf(element *schema) *schema  { return &schema{kind: aMap, element: element} }
func required(s *schema) field       { return field{schema: s, required: true, filled: true} }
func optional(s *schema) field       { return field{schema: s} }

// added returns a field that was added with spaces.
func added(f field) field {
	f.added = true
	return f
}

// relaxed returns an optional field that was required before spaces.
func relaxed(s *schema) field { return field{schema: s, relaxed: true} }

// maybeEmpty returns a required field whose string or list may be empty.
func maybeEmpty(s *schema) field { return field{schema: s, required: true} }

// textThat returns a string schema with a check, see schema.wrong.
func textThat(wrong func(string) string) *schema { return &schema{kind: aString, wrong: wrong} }

func objectOf(fields map[string]field) *schema { return &schema{kind: anObject, fields: fields} }

// oneOf returns an object schema that requires exactly one of its fields.
func oneOf(fields map[string]field) *schema {
	return &schema{kind: anObject, fields: fields, exactlyOne: true}
}

// with returns an object schema with additional fields.
func (s *schema) with(fields map[string]field) *schema {
	all := maps.Clone(s.fields)
	maps.Copy(all, fields)
	return objectOf(all)
}

// check rejects a value that does not match. It removes optional fields that are null.
func (s *schema) check(path string, value any) *problem { return s.checkAs(path, value, false) }

// checkAs is like check. If open is set, unknown fields are allowed.
func (s *schema) checkAs(path string, value any, open bool) *problem {
	if !s.accepts(value) {
		return invalid(path, "must be %s, not %s", s.kind, describe(value))
	}
	switch value := value.(type) {
	case string:
		if s.values != nil && !slices.Contains(s.values, value) {
			return invalid(path, "must be one of %s", strings.Join(s.values, ", "))
		}
		if s.wrong != nil {
			if reason := s.wrong(value); reason != "" {
				return invalid(path, "%s", reason)
			}
		}
	case object:
		return s.checkObject(path, value, open)
	case []any:
		for i, element := range value {
			if err := s.elementSchema().checkAs(fmt.Sprintf("%s[%d]", path, i), element, open); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *schema) elementSchema() *schema {
	if s.element == nil {
		return &schema{kind: anything}
	}
	return s.element
}

func (s *schema) checkObject(path string, value object, open bool) *problem {
	unknown := 0
	for _, name := range slices.Sorted(maps.Keys(value)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		if s.kind != anObject {
			if err := s.elementSchema().checkAs(at, value[name], open); err != nil {
				return err
			}
			continue
		}
		f, known := s.fields[name]
		switch {
		case !known && open:
			unknown++
		case !known:
			return invalid(at, "unknown field")
		case value[name] == nil && f.required:
			return invalid(at, "must not be null")
		case value[name] == nil:
			delete(value, name)
		default:
			if err := f.checkAs(at, value[name], open); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.fields)) {
		if _, ok := value[name]; !ok && s.fields[name].required {
			return invalid(strings.TrimPrefix(path+"."+name, "."), "must be set")
		}
	}
	if known := len(value) - unknown; s.exactlyOne && known != 1 && (known > 1 || unknown == 0) {
		return invalid(path, "exactly one of %s must be set", strings.Join(slices.Sorted(maps.Keys(s.fields)), ", "))
	}
	return nil
}

// older returns the schema as it was before spaces.
func (s *schema) older() *schema {
	if s == nil {
		return nil
	}
	before := *s
	before.element = s.element.older()
	before.fields = map[string]field{}
	for name, f := range s.fields {
		if !f.added {
			before.fields[name] = field{schema: f.older(), required: f.required || f.relaxed, filled: f.filled}
		}
	}
	return &before
}

// forget removes fields from a value: those that were added with spaces and, if all is
// set, those that the schema does not have.
func (s *schema) forget(value any, all bool) {
	switch value := value.(type) {
	case object:
		for name, element := range value {
			f, known := s.fields[name]
			switch {
			case s.kind != anObject:
				s.elementSchema().forget(element, all)
			case f.added || all && !known:
				delete(value, name)
			case known:
				f.forget(element, all)
			}
		}
	case []any:
		for _, element := range value {
			s.elementSchema().forget(element, all)
		}
	}
}

func (s *schema) accepts(value any) bool {
	switch s.kind {
	case aString:
		_, ok := value.(string)
		return ok
	case aBoolean:
		_, ok := value.(bool)
		return ok
	case anInt32, anInt64:
		bits := map[kind]int{anInt32: 32, anInt64: 64}[s.kind]
		number, ok := value.(json.Number)
		_, err := strconv.ParseInt(number.String(), 10, bits)
		return ok && err == nil
	case aTime:
		text, ok := value.(string)
		_, err := time.Parse(time.RFC3339Nano, text)
		return ok && err == nil
	case anObject, aMap:
		_, ok := value.(object)
		return ok
	case anArray:
		_, ok := value.([]any)
		return ok
	}
	return true
}

func describe(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case []any:
		return "an array"
	}
	return "an object"
}
