package contract

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apono-go/apono/internal/operation"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"
)

// document is Apono's document, as strict as it is meant: objects have no
// members beside those of their schema. Every schema has its name as its title.
type document struct {
	*openapi3.T
	operations []documented // in the order of their paths
	router     routers.Router
}

// file holds the document; the README beside it says where it comes from.
const file = "openapi.json"

// readDocument returns the text of the document.
func readDocument(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

// loadOnce loads the document for all tests that leave it as it is.
var loadOnce = sync.OnceValues(func() (*document, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return load(data)
})

func theDocument(t *testing.T) *document {
	t.Helper()
	doc, err := loadOnce()
	require.NoError(t, err)
	return doc
}

func load(data []byte) (*document, error) {
	parsed, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, err
	}
	parsed.Servers = nil // the fake is elsewhere
	for name, schema := range parsed.Components.Schemas {
		schema.Value.Title = name
	}
	strict := tightener{}
	for _, schema := range parsed.Components.Schemas {
		strict.tighten(schema)
	}
	doc := &document{T: parsed}
	for path, item := range doc.Paths.Map() {
		if len(item.Parameters) > 0 {
			strict.unknown = append(strict.unknown, path+" has parameters that all its methods share")
		}
		for method, op := range item.Operations() {
			doc.operations = append(doc.operations, documented{method: method, path: path, known: tableEntry(method, path), Operation: op})
		}
	}
	slices.SortFunc(doc.operations, func(a, b documented) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	for _, op := range doc.operations {
		for _, parameter := range op.Parameters {
			strict.tighten(parameter.Value.Schema)
		}
		strict.tighten(op.body())
		for _, response := range op.Responses.Map() {
			for _, media := range response.Value.Content {
				strict.tighten(media.Schema)
			}
		}
	}
	if strict.unknown != nil {
		return nil, fmt.Errorf("these tests cannot read the document: %s", strings.Join(strict.unknown, "; "))
	}
	doc.router, err = gorillamux.NewRouter(parsed)
	return doc, err
}

// tightener closes objects, and puts in place of a schema that wraps another to
// make it nullable that other schema, which would refuse null otherwise.
type tightener struct {
	seen    map[*openapi3.Schema]bool
	unknown []string
}

func (t *tightener) tighten(ref *openapi3.SchemaRef) {
	if ref == nil || t.seen[ref.Value] {
		return
	}
	s := ref.Value
	if len(s.AllOf) > 1 || len(s.AllOf) > 0 && len(s.Properties) > 0 || len(s.OneOf) > 0 || len(s.AnyOf) > 0 || s.Not != nil {
		t.unknown = append(t.unknown, "a schema is composed of several: "+s.Title)
		return
	}
	if len(s.AllOf) == 1 {
		t.tighten(s.AllOf[0])
		wrapped := *s.AllOf[0].Value
		wrapped.Nullable = s.Nullable
		ref.Ref, ref.Value = "", &wrapped
		return
	}
	if t.seen == nil {
		t.seen = map[*openapi3.Schema]bool{}
	}
	t.seen[s] = true
	for _, property := range s.Properties {
		t.tighten(property)
	}
	t.tighten(s.Items)
	t.tighten(s.AdditionalProperties.Schema)
	if len(s.Properties) > 0 {
		s.AdditionalProperties = openapi3.AdditionalProperties{Has: openapi3.Ptr(false)}
	}
}

// documented is an operation of the document.
type documented struct {
	method, path string
	known        *operation.Operation // of the table in the code, nil if it has none
	*openapi3.Operation
}

func tableEntry(method, path string) *operation.Operation {
	for _, known := range operation.All() {
		if known.Method == method && known.Path == path {
			return known
		}
	}
	return nil
}

// body is the schema of the operation's request body, nil if it takes none.
func (op documented) body() *openapi3.SchemaRef {
	if op.RequestBody == nil {
		return nil
	}
	return op.RequestBody.Value.Content.Get("application/json").Schema
}

// answer is the schema of the operation's answer, nil if it has no body.
func (op documented) answer() *openapi3.SchemaRef {
	if ok := op.Responses.Value("200"); ok != nil {
		return ok.Value.Content.Get("application/json").Schema
	}
	return nil
}

// query are the operation's query parameters, by name.
func (op documented) query() map[string]*openapi3.Schema {
	params := map[string]*openapi3.Schema{}
	for _, parameter := range op.Parameters {
		if parameter.Value.In == openapi3.ParameterInQuery {
			params[parameter.Value.Name] = parameter.Value.Schema.Value
		}
	}
	return params
}

// kindOf says what values a schema has.
func kindOf(s *openapi3.Schema) string {
	switch {
	case s.Type.Is("string") && s.Format == "date-time", s.Type.Is("number"):
		return "time" // the only numbers are the older API's times
	case s.Type.Is("string") && s.Format == "", s.Type.Is("boolean"), s.Type.Is("array"):
		return s.Type.Slice()[0]
	case s.Type.Is("integer"):
		return s.Format
	case len(s.Properties) > 0:
		return "object"
	case s.Type.Is("object") && isTextMap(s):
		return "map of strings"
	case s.Type.Is("object"):
		return "free-form object"
	}
	return fmt.Sprintf("unknown (%v %s)", s.Type, s.Format)
}

func isTextMap(s *openapi3.Schema) bool {
	values := s.AdditionalProperties.Schema
	return values != nil && values.Value.Type.Is("string")
}

// thirdCases lists the properties that are neither required and never null nor
// optional and nullable. The SDK's types know these two cases only.
func (d *document) thirdCases() []string {
	var problems []string
	for name, schema := range d.Components.Schemas {
		for property, value := range schema.Value.Properties {
			if required := slices.Contains(schema.Value.Required, property); required == value.Value.Nullable {
				problems = append(problems, fmt.Sprintf("%s.%s: required is %v, and so is nullable", name, property, required))
			}
		}
	}
	return problems
}
