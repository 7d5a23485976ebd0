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

// document is Apono's document in a strict form: objects have no members other than
// those of their schema. The title of each schema is its name.
type document struct {
	*openapi3.T
	operations []documented // sorted by path and method
	router     routers.Router
}

const file = "openapi.json"

// readDocument returns the text of the document.
func readDocument(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

// loadOnce loads the document for all tests that do not change it.
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
	parsed.Servers = nil // the fake has another address
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
			strict.unknown = append(strict.unknown, path+" has parameters shared by its methods")
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
		return nil, fmt.Errorf("the document has unsupported parts: %s", strings.Join(strict.unknown, "; "))
	}
	doc.router, err = gorillamux.NewRouter(parsed)
	return doc, err
}

// tightener disallows additional members of objects. It replaces a schema that only
// makes another one nullable by a nullable copy of that schema.
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
		t.unknown = append(t.unknown, "composed schema "+s.Title)
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
		s.AdditionalProperties = openapi3.AdditionalProperties{Has: new(false)}
	}
}

// documented is an operation of the document.
type documented struct {
	method, path string
	known        *operation.Operation // of the table in the code, nil if missing there
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

// body returns the schema of the request body, nil without a body.
func (op documented) body() *openapi3.SchemaRef {
	if op.RequestBody == nil {
		return nil
	}
	return op.RequestBody.Value.Content.Get("application/json").Schema
}

// response returns the schema of the response, nil without a body.
func (op documented) response() *openapi3.SchemaRef {
	if ok := op.Responses.Value("200"); ok != nil {
		return ok.Value.Content.Get("application/json").Schema
	}
	return nil
}

// query returns the schemas of the query parameters by name.
func (op documented) query() map[string]*openapi3.Schema {
	params := map[string]*openapi3.Schema{}
	for _, parameter := range op.Parameters {
		if parameter.Value.In == openapi3.ParameterInQuery {
			params[parameter.Value.Name] = parameter.Value.Schema.Value
		}
	}
	return params
}

// kindOf returns the kind of values of a schema.
func kindOf(s *openapi3.Schema) string {
	switch {
	case s.Type.Is("string") && s.Format == "date-time", s.Type.Is("number"):
		return "time" // the only numbers are times of the legacy API
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

// thirdCases reports the properties that are both required and nullable or neither.
// The library's types support only the other two cases.
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
