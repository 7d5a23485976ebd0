// Command prepare writes the part of Apono's API document that the benchmarks
// need. It replaces a nullable property that is allOf a single schema by that schema,
// nullable, because ogen generates a sum type or nothing for the original form.
//
//	go run ./prepare DOCUMENT OUTPUT
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"strings"
)

// needed lists the measured operations.
var needed = map[string][]string{
	"/api/admin/v4/integrations":      {"get", "post"},
	"/api/admin/v4/integrations/{id}": {"get"},
}

type object = map[string]any

const references = "#/components/schemas/"

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal("prepare: ", err)
	}
}

func run(input, output string) error {
	data, err := os.ReadFile(input) //nolint:gosec // files named by the caller
	if err != nil {
		return err
	}
	var document struct {
		OpenAPI    string            `json:"openapi"`
		Info       object            `json:"info"`
		Security   []any             `json:"security,omitempty"`
		Paths      map[string]object `json:"paths"`
		Components struct {
			Schemas         map[string]any `json:"schemas"`
			SecuritySchemes object         `json:"securitySchemes,omitempty"`
		} `json:"components"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return err
	}
	p := preparer{all: document.Components.Schemas, used: map[string]any{}}
	paths := map[string]object{}
	for path, methods := range needed {
		paths[path] = object{}
		for _, method := range methods {
			operation, ok := document.Paths[path][method]
			if !ok {
				return fmt.Errorf("the document has no %s %s", method, path)
			}
			paths[path][method] = p.prepare(operation)
		}
	}
	document.Paths, document.Components.Schemas = paths, p.used
	if data, err = json.MarshalIndent(document, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(output, data, 0o600) //nolint:gosec // see above
}

// preparer collects the schemas that are referenced.
type preparer struct {
	all, used map[string]any
}

func (p preparer) prepare(value any) any {
	switch value := value.(type) {
	case []any:
		prepared := make([]any, len(value))
		for i := range value {
			prepared[i] = p.prepare(value[i])
		}
		return prepared
	case object:
		if parts, ok := value["allOf"].([]any); ok && len(parts) == 1 {
			value = p.inline(value, parts[0])
		}
		if reference, ok := value["$ref"].(string); ok {
			name := strings.TrimPrefix(reference, references)
			if _, done := p.used[name]; !done {
				p.used[name] = nil // ends recursion
				p.used[name] = p.prepare(p.all[name])
			}
		}
		prepared := object{}
		for key, member := range value {
			prepared[key] = p.prepare(member)
		}
		return prepared
	}
	return value
}

// inline returns the schema that another one is allOf, with the other keywords of that
// schema.
func (p preparer) inline(outer object, part any) object {
	inner, _ := part.(object)
	if reference, ok := inner["$ref"].(string); ok {
		inner, _ = p.all[strings.TrimPrefix(reference, references)].(object)
	}
	merged := maps.Clone(inner)
	for key, member := range outer {
		if key != "allOf" {
			merged[key] = member
		}
	}
	return merged
}
