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

// mutant is a value with one thing wrong.
type mutant struct {
	what  string
	value any
}

// mutants are a value with everything wrong in turn that a schema forbids:
// members that are missing, unknown, null, or not of their type.
func mutants(s *openapi3.Schema, value any) []mutant {
	var all []mutant
	mutate("the value", s, value, func(what string, wrong any) { all = append(all, mutant{what, wrong}) })
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
			change(at+" has a member too many", func(object map[string]any) { object["no_such_member"] = "x" })
		}
		for name, member := range value {
			schema := s.Properties[name]
			if schema == nil {
				schema = s.AdditionalProperties.Schema
			}
			if schema == nil || schema.Value.Type == nil {
				continue // anything is right
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

// wrongQueries are queries that an operation has to refuse.
func wrongQueries(op documented) map[string]string {
	queries := map[string]string{"no_such_parameter": "no_such_parameter=x"}
	for name, schema := range op.query() {
		switch kind := kindOf(schema); kind {
		case "array":
			if schema.Items.Value.Enum != nil {
				queries[name+" of no known value"] = name + "=no_such_value"
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

// A program that is wrong has to fail against the fake, not only against the
// API. And what the fake refuses, the validator of exchanges has to refuse too:
// it stands guard over all others.
func TestWrongRequestsAreRefused(t *testing.T) {
	t.Parallel()
	doc := theDocument(t)
	var refused atomic.Int64
	t.Run("operations", func(t *testing.T) {
		for _, op := range doc.operations {
			known := op.known
			require.NotNilf(t, known, "%s %s in the table", op.method, op.path)
			t.Run(known.Name, func(t *testing.T) {
				t.Parallel()
				server := aponotest.NewServer(t)
				fill(server)
				args := argsOf(known.Name, len(known.Parameters()))[0]
				path := known.Fill(func(i int, _ string) string { return args[i] })
				refuse := func(what, query, contentType string, body []byte) {
					req, err := http.NewRequestWithContext(t.Context(), op.method, server.URL+path+"?"+query, bytes.NewReader(body))
					require.NoError(t, err)
					req.Header.Set("Authorization", "Bearer "+server.Token)
					if contentType != "" {
						req.Header.Set("Content-Type", contentType)
					}
					problems, _ := doc.requestViolations(req, body)
					assert.NotEmptyf(t, problems, "%s: the validator takes it: %s %s", what, req.URL, body)
					resp, err := http.DefaultClient.Do(req)
					require.NoError(t, err)
					answer, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					require.NoError(t, resp.Body.Close())
					assert.Containsf(t, []int{http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}, resp.StatusCode, "%s: the fake answers %d %s to %s %s", what, resp.StatusCode, answer, req.URL, body)
					refused.Add(1)
				}
				valid, contentType := []byte(nil), ""
				if op.body() == nil {
					refuse("a body", "", "application/json", []byte(`{}`))
				} else {
					contentType = "application/json"
					for _, body := range calls[known.Name].bodies {
						valid = []byte(body)
						for _, wrong := range mutants(op.body().Value, parse(valid)) {
							data, err := json.Marshal(wrong.value)
							require.NoError(t, err)
							refuse(wrong.what, "", contentType, data)
						}
					}
					refuse("no body", "", contentType, nil)
					refuse("a body that is cut", "", contentType, valid[:len(valid)-1])
					refuse("a body of another type", "", "text/plain", valid)
				}
				for what, query := range wrongQueries(op) {
					refuse(what, query, contentType, valid)
				}
			})
		}
	})
	t.Logf("wrong requests refused: %d", refused.Load())
	require.Greater(t, refused.Load(), int64(1000), "more than 1000 wrong requests")
}

// An answer that the document does not allow has to be found, by the validator
// and by the types that a generated client has.
func TestWrongAnswersAreFound(t *testing.T) {
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
		e.answer, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Nil(t, doc.violations(e))
		right := parse(e.answer)
		for _, wrong := range mutants(op.answer().Value, right) {
			e.answer, err = json.Marshal(wrong.value)
			require.NoError(t, err)
			assert.NotNilf(t, doc.violations(e), "%s: %s: the validator takes it: %s", known.Name, wrong.what, e.answer)
			assert.Errorf(t, decodeGenerated(op.answer().Value, e.answer), "%s: %s: a generated client decodes it: %s", known.Name, wrong.what, e.answer)
			found++
		}
	}
	t.Logf("wrong answers found: %d", found)
	require.Greater(t, found, 1000, "more than 1000 wrong answers")
}

// The exchanges in which the body is fine and the rest is not.
func TestWrongExchangesAreFound(t *testing.T) {
	t.Parallel()
	doc := theDocument(t)
	const group = `{"id":"g","name":"Orders"}`
	for name, test := range map[string]struct {
		method, path, authorization, contentType, answer string
		status                                           int
		want                                             string
	}{
		"nothing wrong":          {"GET", "/api/admin/v1/groups/g", "Bearer x", "application/json", group, 200, ""},
		"an unknown path":        {"GET", "/api/admin/v1/group/g", "Bearer x", "application/json", group, 200, "the document has no GET /api/admin/v1/group/g"},
		"an unknown method":      {"PATCH", "/api/admin/v1/groups/g", "Bearer x", "application/json", group, 200, "the document has no PATCH"},
		"no token":               {"GET", "/api/admin/v1/groups/g", "", "application/json", group, 200, "there is no token"},
		"an undocumented status": {"GET", "/api/admin/v1/groups/g", "Bearer x", "application/json", group, 201, "status is not supported"},
		"a refusal":              {"GET", "/api/admin/v1/groups/g", "Bearer x", "application/json", `{}`, 404, "status is not supported"},
		"an answer of HTML":      {"GET", "/api/admin/v1/groups/g", "Bearer x", "text/html", group, 200, "text/html"},
		"no answer":              {"GET", "/api/admin/v1/groups/g", "Bearer x", "application/json", "", 200, "response body"},
		"a body of 204":          {"DELETE", "/api/admin/v1/groups/g", "Bearer x", "application/json", group, 204, "there is a body"},
		"204 with nothing wrong": {"DELETE", "/api/admin/v1/groups/g", "Bearer x", "", "", 204, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), test.method, "http://127.0.0.1"+test.path, nil)
			require.NoError(t, err)
			req.Header.Set("Authorization", test.authorization)
			got := strings.Join(doc.violations(exchange{
				request: req, answer: []byte(test.answer), status: test.status, header: http.Header{"Content-Type": {test.contentType}},
			}), "\n")
			require.Contains(t, got, test.want)
			require.Equal(t, test.want == "", got == "")
		})
	}
}
