package aponotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/wire"
)

func (s *Server) record(r Request) {
	defer s.lock()()
	s.requests.add(r, s.tb != nil)
}

// respond processes and records one request, unless a fault sets the status.
func (s *Server) respond(fault Fault, op *operation.Operation, r *http.Request, recorded Request) reply {
	defer s.lock()()
	response := reply{status: fault.Status, body: []byte(fault.Body)}
	if fault.Status == 0 {
		response = s.process(op, r, []byte(recorded.Body))
		if fault.Body != "" {
			response.body = []byte(fault.Body)
			if response.status == http.StatusNoContent {
				response.status = http.StatusOK // 204 cannot have a body
			}
		}
	}
	if response.header == nil {
		response.header = http.Header{}
	}
	recorded.Status = response.status
	s.requests.add(recorded, s.tb != nil)
	response.header.Set("X-Request-Id", fmt.Sprintf("fake-%d", s.requests.count))
	return response
}

func (s *Server) process(op *operation.Operation, r *http.Request, body []byte) reply {
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
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token != s.Token {
		return http.StatusUnauthorized, object{"status": "401", "code": "Unauthorized"}
	}
	if op != nil && s.withoutSpaces {
		if _, isNew := spaceRoutes[op.Name]; isNew {
			op = nil
		}
	}
	if op == nil {
		return problem{http.StatusNotFound, "", "operation " + r.Method + " " + r.URL.Path + " not found"}.response()
	}
	route, ok := routes[op.Name]
	if !ok {
		return problem{http.StatusNotImplemented, "", "operation " + op.Name + " is not implemented"}.response()
	}
	req, err := s.parse(op, route, r, body)
	if err != nil {
		return err.response()
	}
	value, err := s.audit(op.Name, req.args, func() (any, *problem) { return route.handle(s, req) })
	switch {
	case err != nil:
		return err.response()
	case value == nil:
		return http.StatusNoContent, nil
	}
	return http.StatusOK, value
}

// request is a request that has passed the checks of its form.
type request struct {
	args  []string // of the path
	query url.Values
	body  object // set if the body is an object
	list  []any  // set if the body is an array
}

// route defines the parameters, body and handler of an operation. The server returns
// 204 if the handler returns nil and nil.
type route struct {
	query  params
	body   *schema
	handle func(*Server, *request) (any, *problem)
}

// routes are the routes of all operations by name.
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
			return nil, &problem{http.StatusBadRequest, "", "invalid escape in the path"}
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
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
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
		if err.field == "" {
			err.message = "the body " + err.message
		}
		return nil, err
	}
	if !s.looseChecks {
		if err := form.checkFilled("", value); err != nil {
			return nil, err
		}
	}
	req.body, _ = value.(object)
	req.list, _ = value.([]any)
	return req, nil
}

// parseJSON decodes JSON with numbers as json.Number.
func parseJSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(wire.TrimMark(data)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("unexpected data after the value")
	}
	return value, nil
}

// problem is an error response. The API documents the body of status 401 only; the
// bodies of others have a message and the name of a field.
type problem struct {
	status  int
	field   string
	message string
}

func invalid(field, format string, args ...any) *problem {
	return &problem{http.StatusUnprocessableEntity, field, fmt.Sprintf(format, args...)}
}

func notFound(what, id string) *problem {
	return &problem{http.StatusNotFound, "", fmt.Sprintf("%s %q not found", what, id)}
}

// reply is a response to be sent.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (s *Server) mustKnow(name string) {
	s.help()
	if operation.Lookup(name) == nil {
		s.fail("unknown operation %q: use a name such as \"Integrations.List\"", name)
	}
}

func (p problem) response() (int, any) {
	if p.field == "" {
		return p.status, object{"message": p.message}
	}
	return p.status, object{"message": p.field + ": " + p.message, "field": p.field}
}
