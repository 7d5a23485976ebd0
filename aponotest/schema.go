package aponotest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object, its numbers being json.Numbers.
type object = map[string]any

// schema is what a JSON value must be. The schemas of this package are written
// from Apono's API document and know nothing of package apono's types, so that
// a slip in one is caught by the other.
type schema struct {
	kind    kind
	fields  map[string]field
	element *schema
	// values are those of a string of which the API lists them.
	values []string
	// exactlyOne says that an object has exactly one of its fields.
	exactlyOne bool
	// wrong says what is wrong with a string, nothing if it is empty.
	wrong func(string) string
}

type field struct {
	*schema
	required bool
	// added says that the field came with spaces, and relaxed that it was
	// required until then.
	added, relaxed bool
}

type kind string

const (
	aString  kind = "a string"
	aBoolean kind = "true or false"
	anInt32  kind = "a whole number of 32 bits"
	anInt64  kind = "a whole number"
	aTime    kind = "a time in RFC 3339"
	anObject kind = "an object"
	anArray  kind = "an array"
	aMap     kind = "an object of any names"
	anything kind = "any value"
)

var (
	text    = &schema{kind: aString}
	boolean = &schema{kind: aBoolean}
	int32s  = &schema{kind: anInt32}
	int64s  = &schema{kind: anInt64}
	instant = &schema{kind: aTime}
	texts   = listOf(text)
	textMap = mapOf(text)
	// freeForm is an object of which the API says nothing.
	freeForm = mapOf(&schema{kind: anything})
)

func oneText(values ...string) *schema { return &schema{kind: aString, values: values} }

func listOf(element *schema) *schema { return &schema{kind: anArray, element: element} }
func mapOf(element *schema) *schema  { return &schema{kind: aMap, element: element} }
func required(s *schema) field       { return field{schema: s, required: true} }
func optional(s *schema) field       { return field{schema: s} }

// added is a field that came with spaces.
func added(f field) field {
	f.added = true
	return f
}

// relaxed is a field that was required until spaces came.
func relaxed(s *schema) field { return field{schema: s, relaxed: true} }

// textThat is a string of which a function says what is wrong with it.
func textThat(wrong func(string) string) *schema { return &schema{kind: aString, wrong: wrong} }

func objectOf(fields map[string]field) *schema { return &schema{kind: anObject, fields: fields} }

// oneOf is an object with exactly one of its fields.
func oneOf(fields map[string]field) *schema {
	return &schema{kind: anObject, fields: fields, exactlyOne: true}
}

// with returns an object schema with more fields.
func (s *schema) with(fields map[string]field) *schema {
	all := maps.Clone(s.fields)
	maps.Copy(all, fields)
	return objectOf(all)
}

// check says what is wrong with a value, naming the field; it removes members
// that are null, which the API takes as absent.
func (s *schema) check(path string, value any) *problem {
	if !s.accepts(value) {
		return invalid(path, "it must be %s, not %s", s.kind, describe(value))
	}
	switch value := value.(type) {
	case string:
		if s.values != nil && !slices.Contains(s.values, value) {
			return invalid(path, "it must be one of %s", strings.Join(s.values, ", "))
		}
		if s.wrong != nil {
			if reason := s.wrong(value); reason != "" {
				return invalid(path, "%s", reason)
			}
		}
	case object:
		return s.checkObject(path, value)
	case []any:
		for i, element := range value {
			if err := s.elementSchema().check(fmt.Sprintf("%s[%d]", path, i), element); err != nil {
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

func (s *schema) checkObject(path string, value object) *problem {
	for _, name := range slices.Sorted(maps.Keys(value)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		if s.kind != anObject {
			if err := s.elementSchema().check(at, value[name]); err != nil {
				return err
			}
			continue
		}
		f, known := s.fields[name]
		switch {
		case !known:
			return invalid(at, "there is no such field")
		case value[name] == nil && f.required:
			return invalid(at, "it must not be null")
		case value[name] == nil:
			delete(value, name)
		default:
			if err := f.check(at, value[name]); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.fields)) {
		if _, ok := value[name]; !ok && s.fields[name].required {
			return invalid(strings.TrimPrefix(path+"."+name, "."), "it is missing")
		}
	}
	if s.exactlyOne && len(value) != 1 {
		return invalid(path, "exactly one of %s must be set", strings.Join(slices.Sorted(maps.Keys(s.fields)), ", "))
	}
	return nil
}

// older is the schema as it was before spaces came.
func (s *schema) older() *schema {
	if s == nil {
		return nil
	}
	before := *s
	before.element = s.element.older()
	before.fields = map[string]field{}
	for name, f := range s.fields {
		if !f.added {
			before.fields[name] = field{schema: f.older(), required: f.required || f.relaxed}
		}
	}
	return &before
}

// forget removes the members of a value that the schema does not have, those
// that came with spaces or all of them.
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

// params are the query parameters of an operation.
type params map[string]param

type param int

const (
	one        param = iota // given once at most
	many                    // may be repeated
	count                   // a whole number from 0, given once at most
	integer                 // a whole number, given once at most
	undeclared              // a count that the API does not document for this list
)

// The paging parameters of the two styles of lists.
var (
	tokenParams  = params{"limit": count, "page_token": one}
	offsetParams = params{"limit": undeclared, "skip": undeclared}
)

func (p params) with(more params) params {
	all := maps.Clone(p)
	maps.Copy(all, more)
	return all
}

// check refuses parameters that the operation does not have. Those that are
// undeclared are let through where the server was told to page such lists.
func (p params) check(query url.Values, paged bool) *problem {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		kind, known := p[name]
		switch values := query[name]; {
		case !known || kind == undeclared && !paged:
			return invalid(name, "there is no such query parameter")
		case len(values) > 1 && kind != many:
			return invalid(name, "the query parameter is given %d times", len(values))
		case kind == count || kind == undeclared || kind == integer:
			bits := 32
			if kind == integer {
				bits = 64
			}
			if n, err := strconv.ParseInt(values[0], 10, bits); err != nil || n < 0 && kind != integer {
				return invalid(name, "it must be a whole number, not %q", values[0])
			}
		}
	}
	return nil
}
