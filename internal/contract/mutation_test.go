package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// object is a JSON object of the document that a test changes.
type object = map[string]any

// in returns the object at a path of names.
func in(o object, path ...string) object {
	for _, name := range path {
		o = o[name].(object)
	}
	return o
}

func rename[V any](o map[string]V, old, name string) {
	o[name] = o[old]
	delete(o, old)
}

func without(list any, value string) any {
	return slices.DeleteFunc(slices.Clone(list.([]any)), func(element any) bool { return element == value })
}

// parameterOf returns a parameter of an operation.
func parameterOf(op object, name string) object {
	for _, parameter := range op["parameters"].([]any) {
		if parameter.(object)["name"] == name {
			return parameter.(object)
		}
	}
	panic("there is no parameter " + name)
}

// The checks must report each of these changes of the document.
func TestChangesOfDocumentAreReported(t *testing.T) {
	t.Parallel()
	text := readDocument(t)
	for name, test := range map[string]struct {
		change func(paths, schemas object)
		want   []string
	}{
		"a property is renamed": {
			func(_, schemas object) {
				rename(in(schemas, "IntegrationV4", "properties"), "connector_id", "connector")
			},
			[]string{`IntegrationV4: there is no property "connector_id" for apono.Integration.ConnectorID`, "IntegrationV4.connector: apono.Integration has no such field"},
		},
		"a property is removed": {
			func(_, schemas object) { delete(in(schemas, "GroupV1", "properties"), "source_id") },
			[]string{`GroupV1: there is no property "source_id" for apono.Group.SourceID`},
		},
		"a property is new": {
			func(_, schemas object) {
				in(schemas, "UpsertOwnerV4", "properties")["nickname"] = object{"type": "string", "nullable": true}
			},
			[]string{"UpsertOwnerV4.nickname: apono.OwnerInput has no such field"},
		},
		"a required property becomes optional": {
			func(_, schemas object) {
				schema := in(schemas, "BundleV2")
				schema["required"] = without(schema["required"], "name")
				in(schema, "properties", "name")["nullable"] = true
			},
			[]string{"BundleV2.name: required is false in the document, but the code has string"},
		},
		"an optional property becomes required": {
			func(_, schemas object) {
				schema := in(schemas, "AccessScopeV1")
				schema["required"] = append(schema["required"].([]any), "description")
				delete(in(schema, "properties", "description"), "nullable")
			},
			[]string{"AccessScopeV1.description: required is true in the document, but the code has *string"},
		},
		"a required property becomes nullable": {
			func(_, schemas object) { in(schemas, "BundleV2", "properties", "name")["nullable"] = true },
			[]string{"BundleV2.name: required is true, and so is nullable"},
		},
		"an optional property may not be null": {
			func(_, schemas object) {
				delete(in(schemas, "AccessScopeV1", "properties", "description"), "nullable")
			},
			[]string{"AccessScopeV1.description: required is false, and so is nullable"},
		},
		"a string becomes a number": {
			func(_, schemas object) {
				in(schemas, "ConnectorV3", "properties")["version"] = object{"type": "integer", "format": "int32"}
			},
			[]string{"ConnectorV3.version: type is int32 in the document and string in the code"},
		},
		"an array becomes a string": {
			func(_, schemas object) { in(schemas, "UserV3", "properties")["roles"] = object{"type": "string"} },
			[]string{"UserV3.roles: type is string in the document and []apono.UserRole in the code"},
		},
		"the elements of an array change": {
			func(_, schemas object) {
				in(schemas, "UserV3", "properties", "roles")["items"] = object{"type": "boolean"}
			},
			[]string{"UserV3.roles[]: type is boolean in the document and apono.UserRole in the code"},
		},
		"a time becomes a string": {
			func(_, schemas object) { delete(in(schemas, "ApiInstant"), "format") },
			[]string{"BundleV2.creation_date: type is string in the document and time.Time in the code"},
		},
		"a map becomes free-form": {
			func(_, schemas object) {
				delete(in(schemas, "AccessRequestV4", "properties", "custom_fields"), "additionalProperties")
			},
			[]string{"AccessRequestV4.custom_fields: type is free-form object in the document and map[string]string in the code"},
		},
		"a query parameter is renamed": {
			func(paths, _ object) { parameterOf(in(paths, "/api/admin/v3/users", "get"), "role")["name"] = "roles" },
			[]string{`Users.List: the document has no query parameter "role"`, `Users.List: there is no option for the query parameter "roles"`},
		},
		"a query parameter is removed": {
			func(paths, _ object) {
				op := in(paths, "/api/admin/v1/groups", "get")
				name := parameterOf(op, "name")
				op["parameters"] = slices.DeleteFunc(op["parameters"].([]any), func(p any) bool { return p.(object)["name"] == name["name"] })
			},
			[]string{`Groups.List: the document has no query parameter "name"`},
		},
		"a query parameter is new for a method without options": {
			func(paths, _ object) {
				in(paths, "/api/v2/connectors", "get")["parameters"] = []any{object{"name": "status", "in": "query", "schema": object{"type": "string"}}}
			},
			[]string{`Legacy.Connectors.List: there is no option for the query parameter "status"`},
		},
		"a query parameter is no longer an array": {
			func(paths, _ object) {
				parameterOf(in(paths, "/api/admin/v3/connectors", "get"), "status")["schema"] = object{"type": "string"}
			},
			[]string{"Connectors.List?status: type is string in the document and []apono.ConnectorStatus in the code"},
		},
		"a list has documented pagination": {
			func(paths, _ object) {
				in(paths, "/api/v2/users", "get")["parameters"] = []any{object{"name": "skip", "in": "query", "schema": object{"type": "integer", "format": "int32"}}}
			},
			[]string{`(limit|skip)\"" was found 27 times, not 28`},
		},
		"an operation is removed": {
			func(paths, _ object) { delete(in(paths, "/api/admin/v1/groups/{id}"), "delete") },
			[]string{"Groups.Delete: the document has no DELETE /api/admin/v1/groups/{id}"},
		},
		"an operation is renamed": {
			func(paths, _ object) { rename(paths, "/api/v2/identities", "/api/v2/people") },
			[]string{"Identities.List: the document has no GET /api/v2/identities", "GET /api/v2/people: there is no such operation in the code"},
		},
		"an operation is new": {
			func(paths, _ object) {
				paths["/api/admin/v1/gadgets"] = object{"get": object{"responses": object{"204": object{"description": ""}}}}
			},
			[]string{"GET /api/admin/v1/gadgets: there is no such operation in the code"},
		},
		"a value of an enum is renamed": {
			func(_, schemas object) { in(schemas, "ReportField")["enum"].([]any)[0] = "id_of_request" },
			[]string{
				`ReportField: apono.ReportField has no constant for "id_of_request"`,
				`ReportField: there is no value "request_id" for a constant of apono.ReportField`,
			},
		},
		"a schema is new": {
			func(_, schemas object) { schemas["GadgetV1"] = object{"type": "object"} },
			[]string{"GadgetV1: no input, response or option has this schema"},
		},
		"a body has another schema": {
			func(paths, _ object) {
				in(paths, "/api/admin/v2/bundles", "post", "requestBody", "content", "application/json")["schema"] = object{"$ref": "#/components/schemas/UpsertAccessBundleV1"}
			},
			[]string{"UpsertAccessBundleV1.integration_targets: apono.BundleInput has no such field"},
		},
		"a body is removed": {
			func(paths, _ object) { delete(in(paths, "/api/admin/v2/bundles", "post"), "requestBody") },
			[]string{"Bundles.Create: body is nothing in the document and apono.BundleInput in the code"},
		},
		"a response has another schema": {
			func(paths, _ object) {
				in(paths, "/api/admin/v1/groups/{id}", "get", "responses", "200", "content", "application/json")["schema"] = object{"$ref": "#/components/schemas/GroupMemberV1"}
			},
			[]string{"GroupMemberV1.email: apono.Group has no such field"},
		},
		"a response is removed": {
			func(paths, _ object) {
				rename(in(paths, "/api/admin/v1/groups/{id}", "get", "responses"), "200", "204")
			},
			[]string{"Groups.Get: result is nothing in the document and *apono.Group in the code"},
		},
		"a list has another kind of pagination": {
			func(paths, _ object) {
				in(paths, "/api/admin/v1/groups", "get", "responses", "200", "content", "application/json")["schema"] = object{"$ref": "#/components/schemas/PaginatedResponseUserModel"}
			},
			[]string{`PaginatedResponseUserModel: there is no property "items"`, "PaginatedResponseUserModel.data: "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var changed object
			require.NoError(t, json.Unmarshal(text, &changed))
			test.change(in(changed, "paths"), in(changed, "components", "schemas"))
			data, err := json.Marshal(changed)
			require.NoError(t, err)
			doc, err := load(data)
			require.NoError(t, err)
			problems := append(operationProblems(doc), withoutDeviations(typeProblems(doc), typeDeviations)...)
			text2 := strings.Join(problems, "\n")
			for _, part := range test.want {
				require.Contains(t, text2, part)
			}
		})
	}
}

// The checks must report when any property or query parameter is renamed, becomes
// optional or required, or changes its type.
func TestChangesOfEveryPropertyAreReported(t *testing.T) {
	t.Parallel()
	doc, err := load(readDocument(t))
	require.NoError(t, err)
	find := func(wants ...string) {
		t.Helper()
		problems := typeProblems(doc)
		for _, want := range wants {
			assert.Truef(t, slices.ContainsFunc(problems, func(problem string) bool { return strings.HasPrefix(problem, want) }), "not reported: %q", want)
		}
	}
	// The members of these schemas are arguments of methods, whose names only
	// exchanges show.
	arguments := []string{"UpdateGroupV1", "UpdateGroupMembersV1", "AccessRequestsBulkRevokeRequestV3", "UpdateSpaceMembersV1"}
	properties, params := 0, 0
	for title, schema := range doc.Components.Schemas {
		s := schema.Value
		for name, property := range maps.Clone(s.Properties) {
			properties++
			s.Properties[name] = &openapi3.SchemaRef{Value: otherType(property.Value)}
			find(fmt.Sprintf("%s.%s: type is ", title, name))
			s.Properties[name] = property
			if slices.Contains(arguments, title) {
				continue
			}
			rename(s.Properties, name, "renamed")
			find(fmt.Sprintf("%s: there is no property %q", title, name), title+".renamed: ")
			rename(s.Properties, "renamed", name)
			if i := slices.Index(s.Required, name); i >= 0 {
				s.Required[i] = "" // also changes the nullable copies of the schema
				find(fmt.Sprintf("%s.%s: required is false in the document, but the code has ", title, name))
				s.Required[i] = name
			} else {
				required := s.Required
				s.Required = append(slices.Clone(required), name)
				find(fmt.Sprintf("%s.%s: required is true", title, name))
				s.Required = required
			}
		}
	}
	for _, op := range doc.operations {
		for _, parameter := range op.Parameters {
			p, operation := parameter.Value, op.known.Name
			if p.In != openapi3.ParameterInQuery {
				continue
			}
			params++
			name, schema := p.Name, p.Schema
			p.Name = "renamed"
			find(fmt.Sprintf("%s: the document has no query parameter %q", operation, name), operation+`: there is no option for the query parameter "renamed"`)
			p.Name, p.Schema = name, &openapi3.SchemaRef{Value: otherType(schema.Value)}
			find(fmt.Sprintf("%s?%s: type is ", operation, name))
			p.Schema = schema
		}
	}
	require.Equal(t, []string{}, withoutDeviations(typeProblems(doc), typeDeviations))
	require.GreaterOrEqualf(t, properties, 632, "only %d properties", properties)
	require.GreaterOrEqualf(t, params, 104, "only %d parameters", params)
}

// otherType returns a schema of another type.
func otherType(s *openapi3.Schema) *openapi3.Schema {
	if s.Type.Is("integer") {
		return openapi3.NewBoolSchema()
	}
	return openapi3.NewInt32Schema()
}
