package contract

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apono-go/apono"
	"github.com/getkin/kin-openapi/openapi3"
)

// deviation is an intended difference from the document. It must be reported exactly
// the given number of times.
type deviation struct {
	times   int
	problem string // regular expression for the whole text
	reason  string
}

// withoutDeviations returns the problems that are not deviations, and a problem for each
// deviation that was not reported as expected.
func withoutDeviations(problems []string, meant []deviation) []string {
	rest := slices.Clone(problems)
	for _, d := range meant {
		pattern := regexp.MustCompile("^(?:" + d.problem + ")$")
		before := len(rest)
		rest = slices.DeleteFunc(rest, pattern.MatchString)
		if found := before - len(rest); found != d.times {
			rest = append(rest, fmt.Sprintf("the deviation %q was found %d times, not %d: %s", d.problem, found, d.times, d.reason))
		}
	}
	slices.Sort(rest)
	return rest
}

// comparison collects the differences between the library's types and the document's
// schemas.
type comparison struct {
	problems []string
	types    map[string]map[reflect.Type]bool // of each schema, by name
}

func (c *comparison) report(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// typeProblems compares the types of all inputs, results and options with the schemas,
// at any depth.
func typeProblems(doc *document) []string {
	c := &comparison{types: map[string]map[reflect.Type]bool{}}
	singles := map[string]method{}
	for _, m := range unused() {
		singles[m.name] = m
	}
	for _, m := range singles {
		if single, ok := singles[m.operation]; ok && m.options() != single.options() {
			c.report("%s: options are %v, but those of %s are %v", m.name, m.options(), single.name, single.options())
		}
	}
	for _, op := range doc.operations {
		if op.known == nil {
			continue // see operationProblems
		}
		m, ok := singles[op.known.Name]
		if !ok {
			continue // see methodProblems
		}
		c.input(m.name, m.input(op.known), op.body())
		c.result(m.name, m.fn.Type(), op.response())
		c.options(m.name, m.options(), op.query())
	}
	for name, schema := range doc.Components.Schemas {
		if c.types[name] == nil {
			c.report("%s: no input, response or option has this schema", name)
		}
		for t := range c.types[name] {
			c.enum(t, schema.Value)
		}
	}
	c.pairs()
	return append(c.problems, doc.thirdCases()...)
}

// pairs reports types of several schemas, and schemas with several types.
func (c *comparison) pairs() {
	schemas := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(c.types)) {
		if len(c.types[name]) > 1 {
			c.report("%s: several types: %v", name, slices.Collect(maps.Keys(c.types[name])))
		}
		for t := range c.types[name] {
			if t.Kind() == reflect.Struct && t.Name() != "" || t.Kind() == reflect.String && t != reflect.TypeFor[string]() {
				schemas[t.String()] = append(schemas[t.String()], name)
			}
		}
	}
	for name, several := range schemas {
		if len(several) > 1 && name != "time.Time" {
			c.report("%s: several schemas: %s", name, strings.Join(several, ", "))
		}
	}
}

func (c *comparison) input(name string, t reflect.Type, body *openapi3.SchemaRef) {
	switch {
	case t == nil && body == nil:
	case t == nil || body == nil:
		c.report("%s: body is %s in the document and %v in the code", name, nameOf(body), t)
	case kindOf(body.Value) == "object" && t.Kind() != reflect.Struct && len(body.Value.Properties) == 1:
		c.report("%s: the only member of %s is the argument", name, body.Value.Title)
		c.visit(body.Value, reflect.StructOf(nil))
		for property, schema := range body.Value.Properties {
			c.compare(body.Value.Title+"."+property, t, schema.Value)
		}
	default:
		c.compare(name+"'s body", t, body.Value)
	}
}

func nameOf(ref *openapi3.SchemaRef) string {
	if ref == nil {
		return "nothing"
	}
	return ref.Value.Title
}

func (c *comparison) result(name string, fn reflect.Type, response *openapi3.SchemaRef) {
	returnsValue := fn.NumOut() == 2
	switch {
	case !returnsValue && response == nil:
	case !returnsValue:
		c.report("%s: the response %s is not returned", name, response.Value.Title)
	case response == nil:
		c.report("%s: result is nothing in the document and %v in the code", name, fn.Out(0))
	default:
		c.compare(name+"'s response", responseType(fn.Out(0)), response.Value)
	}
}

// responseType returns the type that a response is decoded into: an envelope for pages,
// and the element of a pointer.
func responseType(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Slice:
		return reflect.SliceOf(t.Elem().Elem())
	case reflect.Pointer:
		t = t.Elem()
	}
	items, paged := t.FieldByName("Items")
	if !paged || t.PkgPath() != reflect.TypeFor[apono.Message]().PkgPath() {
		return t
	}
	itemType := items.Type // []string, or a slice of pointers
	if itemType.Elem().Kind() == reflect.Pointer {
		itemType = reflect.SliceOf(itemType.Elem().Elem())
	}
	if _, ok := t.FieldByName("NextPageToken"); ok {
		return envelope("items", itemType, reflect.TypeFor[struct {
			NextPageToken *string `json:"next_page_token,omitzero"`
		}]())
	}
	var more []reflect.StructField
	if _, ok := t.FieldByName("AllowMultiple"); ok {
		more = append(more, field("AllowMultiple", "allow_multiple", reflect.TypeFor[bool]()))
	}
	return envelope("data", itemType, reflect.TypeFor[struct {
		Total  int `json:"total"`
		Limit  int `json:"limit"`
		Offset int `json:"offset"`
	}](), more...)
}

func envelope(items string, itemType, pagination reflect.Type, more ...reflect.StructField) reflect.Type {
	return reflect.StructOf(append(more, field("Items", items, itemType), field("Pagination", "pagination", pagination)))
}

func field(name, tag string, t reflect.Type) reflect.StructField {
	return reflect.StructField{Name: name, Type: t, Tag: reflect.StructTag(fmt.Sprintf("json:%q", tag))}
}

// visit records the type of a schema, and reports whether it is new.
func (c *comparison) visit(s *openapi3.Schema, t reflect.Type) bool {
	if s.Title == "" {
		return true
	}
	if c.types[s.Title] == nil {
		c.types[s.Title] = map[reflect.Type]bool{}
	}
	seen := c.types[s.Title][t]
	c.types[s.Title][t] = true
	return !seen
}

// compare compares a type with a schema, at any depth.
func (c *comparison) compare(at string, t reflect.Type, s *openapi3.Schema) {
	isNew := c.visit(s, t)
	if !slices.Contains(kindsOf(t), kindOf(s)) {
		c.report("%s: type is %s in the document and %v in the code", at, kindOf(s), t)
		return
	}
	switch kindOf(s) {
	case "array":
		c.compare(at+"[]", t.Elem(), s.Items.Value)
	case "object":
		if isNew {
			c.object(t, s)
		}
	}
}

// kindsOf returns the kinds of schemas that a type can represent.
func kindsOf(t reflect.Type) []string {
	switch t.Kind() {
	case reflect.String:
		return []string{"string"}
	case reflect.Bool:
		return []string{"boolean"}
	case reflect.Int:
		return []string{"int32", "int64"}
	case reflect.Int32, reflect.Int64:
		return []string{t.String()}
	case reflect.Slice:
		return []string{"array"}
	case reflect.Map:
		if t.Elem().Kind() == reflect.Interface {
			return []string{"free-form object"}
		}
		if t.Elem().Kind() == reflect.String {
			return []string{"map of strings"}
		}
		if t.Elem() == reflect.TypeFor[apono.Secret]() {
			return []string{"map of strings", "free-form object"}
		}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return []string{"time"}
		}
		if t == reflect.TypeFor[apono.Secret]() {
			return []string{"string"}
		}
		return []string{"object"}
	}
	return nil
}

// constants returns the values of the package's string constants by type.
var constants = sync.OnceValues(func() (map[string][]any, error) {
	found := map[string][]any{}
	files, err := filepath.Glob("../../*.go")
	for _, file := range files {
		parsed, parseErr := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if parseErr != nil {
			return nil, parseErr
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || spec.Type == nil {
				return true
			}
			for _, value := range spec.Values {
				if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, _ := strconv.Unquote(literal.Value)
					found[fmt.Sprint(spec.Type)] = append(found[fmt.Sprint(spec.Type)], text)
				}
			}
			return true
		})
	}
	return found, err
})

// enum compares the constants of a type with the values that a schema lists.
func (c *comparison) enum(t reflect.Type, s *openapi3.Schema) {
	if s.Enum == nil {
		return
	}
	known, err := constants()
	if err != nil {
		c.report("%s: %v", s.Title, err)
	}
	for _, value := range s.Enum {
		if !slices.Contains(known[t.Name()], value) {
			c.report("%s: %v has no constant for %q", s.Title, t, value)
		}
	}
	for _, value := range known[t.Name()] {
		if !slices.Contains(s.Enum, value) {
			c.report("%s: there is no value %q for a constant of %v", s.Title, value, t)
		}
	}
}

func (c *comparison) object(t reflect.Type, s *openapi3.Schema) {
	missing := maps.Clone(s.Properties)
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		property, known := s.Properties[name]
		switch {
		case f.Name == "Extra": // not in the document
		case !known:
			c.report("%s: there is no property %q for %v.%s", s.Title, name, t, f.Name)
		default:
			delete(missing, name)
			at, value := s.Title+"."+name, f.Type
			required := slices.Contains(s.Required, name)
			if value.Kind() == reflect.Pointer && !required {
				value = value.Elem()
			}
			nilable := f.Type.Kind() == reflect.Slice || f.Type.Kind() == reflect.Map
			switch optional := options == "omitzero" && (nilable || f.Type != value); {
			case required && (options != "" || f.Type != value), !required && (!optional || nilable && f.Type != value):
				c.report("%s: required is %v in the document, but the code has %v with the tag %q", at, required, f.Type, f.Tag)
			}
			c.compare(at, value, property.Value)
		}
	}
	for name := range missing {
		c.report("%s.%s: %v has no such field", s.Title, name, t)
	}
}

func (c *comparison) options(name string, t reflect.Type, params map[string]*openapi3.Schema) {
	missing := maps.Clone(params)
	if t != nil {
		for i := range t.NumField() {
			f := t.Field(i)
			param, options, _ := strings.Cut(f.Tag.Get("url"), ",")
			schema, known := params[param]
			switch {
			case !known:
				c.report("%s: the document has no query parameter %q", name, param)
			case options != "omitempty":
				c.report("%s: the option %s is sent although it is not set", name, f.Name)
			default:
				delete(missing, param)
				c.compare(name+"?"+param, f.Type, schema)
			}
		}
	}
	for param := range missing {
		c.report("%s: there is no option for the query parameter %q", name, param)
	}
}
