package apono

import (
	"bytes"

	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/transport"
	"github.com/apono-go/apono/internal/wire"
)

// call calls an operation: it fills args into the path and sends the request, with in
// as its body unless in is nil.
func (c *Client) call(ctx context.Context, op *operation.Operation, in any, args ...string) (*response, error) {
	path, err := fillPath(op, args)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, op, path, nil, in)
}

// response is a response with the operation that it belongs to.
type response struct {
	*transport.Response
	op *operation.Operation
}

// decode decodes a response with one object.
func decode[T any](resp *response, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	object := new(T)
	if err := wire.Unmarshal(resp.Body, object); err != nil {
		return nil, resp.decodeError(err)
	}
	if err := identify(resp, object); err != nil {
		return nil, resp.decodeError(err)
	}
	return object, nil
}

// decodeList decodes a response with a list without pagination.
func decodeList[T any](resp *response, err error) ([]*T, error) {
	if err != nil {
		return nil, err
	}
	var items []*T
	if err := wire.Unmarshal(resp.Body, &items); err != nil {
		return nil, resp.decodeError(err)
	}
	if err := identifyItems(resp, items); err != nil {
		return nil, resp.decodeError(err)
	}
	return items, nil
}

// identify rejects an object without the fields that its operation requires, because
// its zero values would be mistaken for data: an update would send them.
func identify[T any](resp *response, object *T) error {
	if resp.op.AnyOf != nil {
		return resp.requireAny(resp.op.AnyOf...)
	}
	if at := identityField[T](resp.op); at >= 0 && reflect.ValueOf(object).Elem().Field(at).IsZero() {
		return fmt.Errorf("%s is missing", resp.op.Identity)
	}
	return nil
}

// identifyItems is identify for the items of a list.
func identifyItems[T any](resp *response, items []*T) error {
	at := identityField[T](resp.op)
	for i, item := range items {
		if item == nil {
			return fmt.Errorf("item %d of the list is null", i)
		}
		if at >= 0 && reflect.ValueOf(item).Elem().Field(at).IsZero() {
			return fmt.Errorf("item %d of the list: %s is missing", i, resp.op.Identity)
		}
	}
	return nil
}

// identityField returns the index of the field that identifies a T, -1 for none.
func identityField[T any](op *operation.Operation) int {
	t := reflect.TypeFor[T]()
	if op.Identity == "" || t.Kind() != reflect.Struct {
		return -1
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name == op.Identity {
			return i
		}
	}
	return -1
}

// requireAny rejects an object that has none of the fields. A field may be null.
func (r *response) requireAny(members ...string) error {
	var object map[string]json.RawMessage
	if err := wire.Unmarshal(r.Body, &object); err != nil {
		return err
	}
	for _, member := range members {
		if _, ok := object[member]; ok {
			return nil
		}
	}
	if len(members) > 1 {
		return fmt.Errorf("%s are missing", strings.Join(members, ", "))
	}
	return fmt.Errorf("%s is missing", members[0])
}

// confirm checks a response without an object. The body must be empty or JSON: an HTML
// page comes from a proxy. A DELETE with the API's 404 succeeded if an earlier attempt may
// have reached the server.
func confirm(resp *response, err error) error {
	if errors.Is(err, ErrNotFound) && resp.op.Method == http.MethodDelete && resp.Uncertain && json.Valid(resp.Body) {
		return nil
	}
	if err != nil {
		return err
	}
	if body := bytes.TrimSpace(wire.TrimMark(resp.Body)); len(body) > 0 && !json.Valid(body) {
		return resp.decodeError(errors.New("the body is not JSON"))
	}
	return nil
}

// Do calls an operation that has no method in this package, with the same
// authentication, retries, limits and errors as all others.
//
// The method is GET, POST, PUT, PATCH or DELETE. The path starts with "/", is already
// escaped (see [net/url.PathEscape]) and has no query. query may be nil. in is sent as
// JSON unless it is nil; a []byte or json.RawMessage is sent as it is. The response
// is decoded into out, a pointer, unless out is nil: field names are case-sensitive,
// and numbers in values of type any are decoded as json.Number. A *[]byte receives
// the body of any form. Segments of the path that may be arguments are masked in errors
// and logs.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	if !slices.Contains(operation.Methods(), method) {
		return &ArgumentError{Arg: "method", Reason: "must be one of " + strings.Join(operation.Methods(), ", ")}
	}
	path, err := cleanPath(path)
	if err != nil {
		return err
	}
	op := operation.Match(method, path)
	if op == nil {
		op = operation.Unknown(method, path)
	}
	resp, err := c.send(ctx, op, path, query, in)
	switch {
	case out == nil:
		return confirm(resp, err)
	case err != nil:
		return err
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = resp.Body
		return nil
	}
	if err := wire.UnmarshalGeneric(resp.Body, out); err != nil {
		return resp.decodeError(err)
	}
	return nil
}

// send sends a request and returns a response with a 2xx status, or an error. With
// an [*APIError] it returns the response as well.
func (c *Client) send(ctx context.Context, op *operation.Operation, path string, query url.Values, in any) (*response, error) {
	if ctx == nil {
		return nil, &ArgumentError{Arg: "ctx", Reason: "must not be nil"}
	}
	if c.readOnly && op.Changes {
		return nil, fmt.Errorf("apono: %s %s: %w", op.Method, op.Path, ErrReadOnly)
	}
	header, err := c.header(ctx, in != nil)
	if err != nil {
		return nil, err
	}
	timeout, err := callTimeout(ctx)
	if err != nil {
		return nil, err
	}
	req := transport.Request{Operation: op, URL: c.resolve(path, query), Header: header, Once: isWithoutRetry(ctx), Timeout: timeout}
	if in != nil {
		if req.Body, err = encodeInput(in); err != nil {
			return nil, err
		}
	}
	received, err := c.transport.Send(ctx, req)
	observe(ctx, received, err)
	if err != nil {
		return nil, newTransportError(op, err)
	}
	resp := &response{received, op}
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		rejected := resp.apiError()
		rejected.otherBase = c.baseURL != DefaultBaseURL
		return resp, rejected
	case resp.ReadErr != nil:
		return nil, resp.decodeError(resp.ReadErr)
	}
	return resp, nil
}

// fillPath fills a path template with arguments, each as one escaped segment.
func fillPath(op *operation.Operation, args []string) (string, error) {
	for i, name := range op.Parameters() {
		if err := checkSegment(name, args[i]); err != nil {
			return "", err
		}
	}
	return op.Fill(func(i int, _ string) string { return url.PathEscape(args[i]) }), nil
}

const mediaType = "application/json"

// header returns the header fields of a call, in addition to those of the client.
func (c *Client) header(ctx context.Context, hasBody bool) (http.Header, error) {
	extra, _ := ctx.Value(headerKey{}).(http.Header)
	for name, values := range extra {
		if err := checkHeader(name, values[0]); err != nil {
			return nil, err
		}
	}
	if !hasBody {
		return extra, nil
	}
	header := http.Header{"Content-Type": {mediaType}}
	maps.Copy(header, extra)
	return header, nil
}

// resolve returns the URL of an escaped path below the base URL.
func (c *Client) resolve(path string, query url.Values) string {
	address := c.baseURL + path
	if params := query.Encode(); params != "" {
		address += "?" + params
	}
	return address
}

// checker is implemented by inputs that are validated before they are sent.
type checker interface{ check() error }

func encodeInput(in any) ([]byte, error) {
	switch in := in.(type) {
	case []byte:
		return in, nil
	case json.RawMessage:
		return in, nil
	}
	if c, ok := in.(checker); ok {
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	body, err := wire.Marshal(in)
	if err != nil {
		return nil, &ArgumentError{Arg: "in", Reason: "cannot be encoded as JSON: " + err.Error()}
	}
	return body, checkMembers("in", reflect.ValueOf(in))
}
