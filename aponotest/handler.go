package aponotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/apono-go/apono/internal/operation"
)

func (s *Server) record(r Request) {
	defer s.lock()()
	s.requests = append(s.requests, r)
}

// answer carries one request out, unless a fault stands in its place, and
// records it.
func (s *Server) answer(fault Fault, op *operation.Operation, r *http.Request, recorded Request) reply {
	defer s.lock()()
	answer := reply{status: fault.Status, body: []byte(fault.Body)}
	if fault.Status == 0 {
		answer = s.carryOut(op, r, []byte(recorded.Body))
		if fault.Body != "" {
			answer.body = []byte(fault.Body)
			if answer.status == http.StatusNoContent {
				answer.status = http.StatusOK // the other has no body
			}
		}
	}
	if answer.header == nil {
		answer.header = http.Header{}
	}
	recorded.Status = answer.status
	s.requests = append(s.requests, recorded)
	answer.header.Set("X-Request-Id", fmt.Sprintf("fake-%d", len(s.requests)))
	return answer
}

func (s *Server) carryOut(op *operation.Operation, r *http.Request, body []byte) reply {
	status, value := s.handle(op, r, body)
	if value == nil {
		return reply{status: status}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return reply{status: http.StatusInternalServerError, body: []byte(err.Error())}
	}
	return reply{status, http.Header{"Content-Type": {"application/json"}}, text}
}

func (s *Server) handle(op *operation.Operation, r *http.Request, body []byte) (int, any) {
	if r.Header.Get("Authorization") != "Bearer "+s.Token {
		return http.StatusUnauthorized, object{"status": "401", "code": "Unauthorized"}
	}
	if op != nil && s.withoutSpaces {
		if _, isNew := spaceRoutes[op.Name]; isNew {
			op = nil
		}
	}
	if op == nil {
		return problem{http.StatusNotFound, "", "there is no operation " + r.Method + " " + r.URL.Path}.answer()
	}
	route, ok := routes[op.Name]
	if !ok {
		return problem{http.StatusNotImplemented, "", "the fake does not know " + op.Name}.answer()
	}
	req, err := s.parse(op, route, r, body)
	if err != nil {
		return err.answer()
	}
	value, err := route.handle(s, req)
	switch {
	case err != nil:
		return err.answer()
	case value == nil:
		return http.StatusNoContent, nil
	}
	return http.StatusOK, value
}

// request is a request that was found to be well formed.
type request struct {
	args  []string
	query url.Values
	body  object
	list  []any // of a body that is an array
}

// route says what an operation takes and what it does. A handler that returns
// neither an object nor a problem answers 204.
type route struct {
	query  params
	body   *schema
	handle func(*Server, *request) (any, *problem)
}

// routes are the operations that the fake knows, by name.
var routes = collect(integrationRoutes, accessFlowRoutes, reportRoutes, activityRoutes, peopleRoutes, connectorRoutes, accessRequestRoutes, legacyRoutes, spaceRoutes)

func collect(resources ...map[string]route) map[string]route {
	all := map[string]route{}
	for _, routes := range resources {
		maps.Copy(all, routes)
	}
	return all
}

func (s *Server) parse(op *operation.Operation, route route, r *http.Request, body []byte) (*request, *problem) {
	req := &request{query: r.URL.Query()}
	for _, arg := range op.Args(r.URL.EscapedPath()) {
		text, err := url.PathUnescape(arg)
		if err != nil {
			return nil, &problem{http.StatusBadRequest, "", "the path is not escaped well"}
		}
		req.args = append(req.args, text)
	}
	if s.withoutSpaces {
		for _, name := range spaceParams {
			req.query.Del(name)
		}
	}
	if err := route.query.check(req.query, s.offsetPageSize > 0); err != nil {
		return nil, err
	}
	if route.body == nil {
		if len(bytes.TrimSpace(body)) > 0 {
			return nil, invalid("", "the operation takes no body")
		}
		return req, nil
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return nil, &problem{http.StatusUnsupportedMediaType, "", "the body must be application/json"}
	}
	value, err := parseJSON(body)
	if err != nil {
		return nil, &problem{http.StatusBadRequest, "", "the body is not JSON: " + err.Error()}
	}
	form := route.body
	if s.withoutSpaces {
		form = form.older()
		form.forget(value, true)
	}
	if err := form.check("", value); err != nil {
		return nil, err
	}
	if !s.looseChecks {
		if err := form.sense("", value); err != nil {
			return nil, err
		}
	}
	req.body, _ = value.(object)
	req.list, _ = value.([]any)
	return req, nil
}

// parseJSON decodes JSON with its numbers kept to the letter.
func parseJSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return value, nil
}

// problem is an answer that refuses. The API documents no shape for these but
// for the 401; the fake's names the field.
type problem struct {
	status  int
	field   string
	message string
}

func invalid(field, format string, args ...any) *problem {
	return &problem{http.StatusUnprocessableEntity, field, fmt.Sprintf(format, args...)}
}

func notFound(what, id string) *problem {
	return &problem{http.StatusNotFound, "", fmt.Sprintf("there is no %s %q", what, id)}
}

// reply is what a request gets.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (s *Server) mustKnow(name string) {
	s.help()
	if operation.Lookup(name) == nil {
		s.fail("there is no operation %q: name it as in package apono, such as \"Integrations.List\"", name)
	}
}

func (p problem) answer() (int, any) {
	if p.field == "" {
		return p.status, object{"message": p.message}
	}
	return p.status, object{"message": p.field + ": " + p.message, "field": p.field}
}
