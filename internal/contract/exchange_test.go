package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// exchange is a request and its response.
type exchange struct {
	request        *http.Request
	body, response []byte
	status         int
	header         http.Header
}

func (e exchange) String() string {
	return fmt.Sprintf("%s %s\n    sent     %s\n    received %d %s", e.request.Method, e.request.URL.RequestURI(), e.body, e.status, e.response)
}

// recorder is a transport that records exchanges.
type recorder struct {
	mu        sync.Mutex
	exchanges []exchange
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	e := exchange{request: req.Clone(context.WithoutCancel(req.Context()))}
	var err error
	if req.Body != nil {
		if e.body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(e.body))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if e.response, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(e.response))
	e.status, e.header = resp.StatusCode, resp.Header
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, e)
	return resp, nil
}

// violations returns the differences between an exchange and the document.
func (d *document) violations(e exchange) []string {
	problems, input := d.requestViolations(e.request, e.body)
	if input != nil {
		problems = append(problems, d.responseViolations(input, e)...)
	}
	return problems
}

// requestViolations returns the differences between a request and the document, and
// the input for responseViolations. The input is nil if there is no such operation.
func (d *document) requestViolations(req *http.Request, body []byte) ([]string, *openapi3filter.RequestValidationInput) {
	req = req.Clone(req.Context())
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	route, params, err := d.router.FindRoute(req)
	if err != nil {
		return []string{fmt.Sprintf("the document has no %s %s", req.Method, req.URL.Path)}, nil
	}
	options := &openapi3filter.Options{
		MultiError: true, IncludeResponseStatus: true, SkipSettingDefaults: true, RejectWhenRequestBodyNotSpecified: true,
		AuthenticationFunc: func(_ context.Context, input *openapi3filter.AuthenticationInput) error {
			if token, ok := strings.CutPrefix(input.RequestValidationInput.Request.Header.Get("Authorization"), "Bearer "); !ok || token == "" {
				return errors.New("the token is missing")
			}
			return nil
		},
	}
	options.WithCustomSchemaErrorFunc(func(err *openapi3.SchemaError) string {
		return "/" + strings.Join(err.JSONPointer(), "/") + ": " + err.Reason
	})
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	problems := texts("request", openapi3filter.ValidateRequest(req.Context(), input))
	known := documented{Operation: route.Operation}.query()
	query := req.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if schema := known[name]; schema == nil {
			problems = append(problems, fmt.Sprintf("request: there is no query parameter %q", name))
		} else if len(query[name]) > 1 && kindOf(schema) != "array" {
			problems = append(problems, fmt.Sprintf("request: the query parameter %q is set %d times", name, len(query[name])))
		}
	}
	return problems, input
}

func (d *document) responseViolations(input *openapi3filter.RequestValidationInput, e exchange) []string {
	problems := texts("response", openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: e.status, Header: e.header, Options: input.Options,
		Body: io.NopCloser(bytes.NewReader(e.response)),
	}))
	response := documented{Operation: input.Route.Operation}.response()
	switch {
	case problems != nil:
	case response == nil && len(e.response) > 0:
		problems = append(problems, "response: there is a body")
	case response != nil:
		problems = append(problems, texts("a generated client", decodeGenerated(response.Value, e.response))...)
	}
	return problems
}

func texts(of string, err error) []string {
	if err == nil {
		return nil
	}
	return []string{of + ": " + err.Error()}
}

// members calls visit for each member of a value that its schema has, at any depth.
func members(s *openapi3.Schema, value any, visit func(s *openapi3.Schema, property string)) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			members(s.Items.Value, element, visit)
		}
	case map[string]any:
		for name, member := range value {
			if property := s.Properties[name]; property != nil {
				visit(s, name)
				members(property.Value, member, visit)
			}
		}
	}
}

// properties adds the names of the properties of a schema, at any depth.
func properties(s *openapi3.Schema, names map[string]bool) {
	if s.Items != nil {
		properties(s.Items.Value, names)
	}
	for name, property := range s.Properties {
		if at := s.Title + "." + name; !names[at] {
			names[at] = true
			properties(property.Value, names)
		}
	}
}

// parse decodes JSON with numbers as json.Number. It returns nil for invalid JSON.
func parse(data []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	return value
}

// report is the result of all exchanges.
type report struct {
	mu         sync.Mutex
	wanted     int // number of operations in the document
	operations map[string]bool
	exchanges  int
	violations []string
	received   map[string]bool // properties in responses
}

func (r *report) add(operation string, exchanges int, violations []string, received map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.operations[operation] = true
	r.exchanges += exchanges
	r.violations = append(r.violations, violations...)
	maps.Copy(r.received, received)
}

// finish adds properties that no response had, and removes deviations.
func (r *report) finish(doc *document) {
	wanted := map[string]bool{}
	for _, op := range doc.operations {
		if response := op.response(); response != nil {
			properties(response.Value, wanted)
		}
	}
	for name := range wanted {
		if !r.received[name] {
			r.violations = append(r.violations, name+": no response has it")
		}
	}
	r.violations = withoutDeviations(r.violations, exchangeDeviations)
}

func (r *report) String() string {
	text := fmt.Sprintf("operations exercised: %d of %d, exchanges: %d, violations: %d", len(r.operations), r.wanted, r.exchanges, len(r.violations))
	for _, violation := range r.violations {
		text += "\n  " + violation
	}
	return text
}
