package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apono-go/apono/aponotest"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mutant is a value with one error.
type mutant struct {
	what  string
	value any
}

// tolerated are errors that the fake accepts: released Terraform providers do not send the
// type of a flow's requestors, and the API's response to that is not documented.
var tolerated = []string{"the value lacks requestor_identity_type", "the value.requestor_identity_type is null"}

// mutants returns a copy of a value for each error that its schema forbids: missing
// members, unknown members, null, and values of another type.
func mutants(s *openapi3.Schema, value any) []mutant {
	var all []mutant
	mutate("the value", s, value, func(what string, wrong any) {
		if !slices.Contains(tolerated, what) {
			all = append(all, mutant{what, wrong})
		}
	})
	return all
}

func mutate(at string, s *openapi3.Schema, value any, put func(what string, wrong any)) {
	for _, wrong := range wrongValues(s) {
		put(fmt.Sprintf("%s is %v", at, wrong), wrong)
	}
	if !s.Nullable {
		put(at+" is null", nil)
	}
	switch value := value.(type) {
	case []any:
		for i := range value {
			mutate(fmt.Sprintf("%s[%d]", at, i), s.Items.Value, value[i], func(what string, wrong any) {
				changed := slices.Clone(value)
				changed[i] = wrong
				put(what, changed)
			})
		}
	case map[string]any:
		change := func(what string, apply func(object map[string]any)) {
			changed := maps.Clone(value)
			apply(changed)
			put(what, changed)
		}
		for _, name := range s.Required {
			change(at+" lacks "+name, func(object map[string]any) { delete(object, name) })
		}
		if s.Properties != nil {
			change(at+" has an unknown member", func(object map[string]any) { object["no_such_member"] = "x" })
		}
		for name, member := range value {
			schema := s.Properties[name]
			if schema == nil {
				schema = s.AdditionalProperties.Schema
			}
			if schema == nil || schema.Value.Type == nil {
				continue // free-form
			}
			mutate(at+"."+name, schema.Value, member, func(what string, wrong any) {
				change(what, func(object map[string]any) { object[name] = wrong })
			})
		}
	}
}

func wrongValues(s *openapi3.Schema) []any {
	switch kindOf(s) {
	case "string":
		if s.Enum != nil {
			return []any{json.Number("7"), "NO_SUCH_VALUE"}
		}
		return []any{json.Number("7"), true}
	case "boolean":
		return []any{"true", json.Number("1")}
	case "int32":
		return []any{"7", json.Number("1.5"), json.Number("2147483648")}
	case "int64":
		return []any{"7", json.Number("1.5")}
	case "time":
		return []any{"yesterday", true}
	case "array":
		return []any{map[string]any{}, "x"}
	}
	return []any{[]any{}, "x"}
}

// wrongQueries returns queries that an operation must reject.
func wrongQueries(op documented) map[string]string {
	queries := map[string]string{"no_such_parameter": "no_such_parameter=x"}
	for name, schema := range op.query() {
		switch kind := kindOf(schema); kind {
		case "array":
			if schema.Items.Value.Enum != nil {
				queries[name+" with an unknown value"] = name + "=no_such_value"
			}
		default:
			queries[name+" twice"] = name + "=1&" + name + "=2"
			if kind == "string" {
				continue
			}
			queries[name+" as text"] = name + "=x"
			queries[name+" as a fraction"] = name + "=1.5"
			if kind == "int32" {
				queries[name+" out of bounds"] = name + "=2147483648"
			}
		}
	}
	return queries
}

// The fake server and the validator must reject requests that the document does not
// allow.
func TestInvalidRequestsAreRejected(t *testing.T) {
	t.Parallel()
	doc := theDocument(t)
	var rejected atomic.Int64
	t.Run("operations", func(t *testing.T) {
		for _, op := range doc.operations {
			known := op.known
			require.NotNilf(t, known, "%s %s is not in the table", op.method, op.path)
			t.Run(known.Name, func(t *testing.T) {
				t.Parallel()
				server := aponotest.NewServer(t)
				fill(server)
				args := argsOf(known.Name, len(known.Parameters()))[0]
				path := known.Fill(func(i int, _ string) string { return args[i] })
				reject := func(what, query, contentType string, body []byte) {
					req, err := http.NewRequestWithContext(t.Context(), op.method, server.URL+path+"?"+query, bytes.NewReader(body))
					require.NoError(t, err)
					req.Header.Set("Authorization", "Bearer "+server.Token)
					if contentType != "" {
						req.Header.Set("Content-Type", contentType)
					}
					problems, _ := doc.requestViolations(req, body)
					assert.NotEmptyf(t, problems, "%s: the validator accepts %s %s", what, req.URL, body)
					resp, err := http.DefaultClient.Do(req)
					require.NoError(t, err)
					response, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					require.NoError(t, resp.Body.Close())
					assert.Containsf(t, []int{http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}, resp.StatusCode, "%s: the fake responds %d %s to %s %s", what, resp.StatusCode, response, req.URL, body)
					rejected.Add(1)
				}
				valid, contentType := []byte(nil), ""
				if op.body() == nil {
					reject("a body", "", "application/json", []byte(`{}`))
				} else {
					contentType = "application/json"
					for _, body := range calls[known.Name].bodies {
						valid = []byte(body)
						for _, wrong := range mutants(op.body().Value, parse(valid)) {
							data, err := json.Marshal(wrong.value)
							require.NoError(t, err)
							reject(wrong.what, "", contentType, data)
						}
					}
					reject("no body", "", contentType, nil)
					reject("a body that is cut short", "", contentType, valid[:len(valid)-1])
					reject("a body of another type", "", "text/plain", valid)
				}
				for what, query := range wrongQueries(op) {
					reject(what, query, contentType, valid)
				}
			})
		}
	})
	t.Logf("invalid requests rejected: %d", rejected.Load())
	require.Greater(t, rejected.Load(), int64(1000), "too few invalid requests")
}

// The validator and decodeGenerated must reject responses that the document does not
// allow.
func TestInvalidResponsesAreRejected(t *testing.T) {
	t.Parallel()
	doc := theDocument(t)
	server := aponotest.NewServer(t)
	fill(server)
	found := 0
	for _, op := range doc.operations {
		known := op.known
		if known == nil || op.method != http.MethodGet {
			continue
		}
		args := argsOf(known.Name, len(known.Parameters()))[0]
		path := known.Fill(func(i int, _ string) string { return args[i] })
		req, err := http.NewRequestWithContext(t.Context(), op.method, server.URL+path, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+server.Token)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		e := exchange{request: req, status: resp.StatusCode, header: resp.Header}
		e.response, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Nil(t, doc.violations(e))
		right := parse(e.response)
		for _, wrong := range mutants(op.response().Value, right) {
			e.response, err = json.Marshal(wrong.value)
			require.NoError(t, err)
			assert.NotNilf(t, doc.violations(e), "%s: %s: the validator accepts %s", known.Name, wrong.what, e.response)
			assert.Errorf(t, decodeGenerated(op.response().Value, e.response), "%s: %s: a generated client decodes %s", known.Name, wrong.what, e.response)
			found++
		}
	}
	t.Logf("invalid responses rejected: %d", found)
	require.Greater(t, found, 1000, "too few invalid responses")
}

// The validator must reject exchanges that are invalid apart from the body.
func TestInvalidExchangesAreRejected(t *testing.T) {
	t.Parallel()
	doc := theDocument(t)
	const group = `{"id":"g","name":"Orders"}`
	for name, test := range map[string]struct {
		method, path, authorization, contentType, response string
		status                                             int
		want                                               string
	}{
		"a valid response":       {"GET", "/api/admin/v1/groups/g", "Bearer x", "application/json", group, 200, ""},
		"an unknown path":        {"GET", "/api/admin/v1/group/g", "Bearer x", "application/json", group, 200, "the document has no GET /api/admin/v1/group/g"},
		"an unknown method":      {"PATCH", "/api/admin/v1/groups/g", "Bearer x", "application/json", group, 200, "the document has no PATCH"},
		"no token":               {"GET", "/api/admin/v1/groups/g", "", "application/json", group, 200, "the token is missing"},
		"an undocumented status": {"GET", "/api/admin/v1/groups/g", "Bearer x", "application/json", group, 201, "status is not supported"},
		"a rejection":            {"GET", "/api/admin/v1/groups/g", "Bearer x", "application/json", `{}`, 404, "status is not supported"},
		"a response of HTML":     {"GET", "/api/admin/v1/groups/g", "Bearer x", "text/html", group, 200, "text/html"},
		"an empty response":      {"GET", "/api/admin/v1/groups/g", "Bearer x", "application/json", "", 200, "response body"},
		"a 204 with a body":      {"DELETE", "/api/admin/v1/groups/g", "Bearer x", "application/json", group, 204, "there is a body"},
		"a valid 204":            {"DELETE", "/api/admin/v1/groups/g", "Bearer x", "", "", 204, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), test.method, "http://127.0.0.1"+test.path, nil)
			require.NoError(t, err)
			req.Header.Set("Authorization", test.authorization)
			got := strings.Join(doc.violations(exchange{
				request: req, response: []byte(test.response), status: test.status, header: http.Header{"Content-Type": {test.contentType}},
			}), "\n")
			require.Contains(t, got, test.want)
			require.Equal(t, test.want == "", got == "")
		})
	}
}
