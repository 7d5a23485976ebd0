package apono

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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

// call is the way of every operation that answers an object: the path is built
// from the arguments, the input is sent, and the answer is decoded.
func call[T any](ctx context.Context, c *Client, op *operation.Operation, in any, args ...string) (*T, error) {
	path, err := buildPath(op, args)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, op, path, nil, in)
	if err != nil {
		return nil, err
	}
	return decode[T](op, resp)
}

// callFor is call for an object that would read as nothing if one of some members
// were missing.
func callFor[T any](ctx context.Context, c *Client, op *operation.Operation, in any, members []string, args ...string) (*T, error) {
	path, err := buildPath(op, args)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, op, path, nil, in)
	if err != nil {
		return nil, err
	}
	object, err := decode[T](op, resp)
	if err != nil {
		return nil, err
	}
	if err := lacksNone(op, resp, members...); err != nil {
		return nil, err
	}
	return object, nil
}

// lacksNone rejects an object without all of the members. A member that is null
// is there.
func lacksNone(op *operation.Operation, resp *transport.Response, members ...string) error {
	var object map[string]json.RawMessage
	if err := wire.Unmarshal(resp.Body, &object); err != nil {
		return newDecodeError(op, resp, err)
	}
	for _, member := range members {
		if _, ok := object[member]; !ok {
			return newDecodeError(op, resp, fmt.Errorf("%s is missing", member))
		}
	}
	return nil
}

// create is call for operations that take their options in the query.
func create[T any](ctx context.Context, c *Client, op *operation.Operation, in any, opts []CreateOptions) (*T, error) {
	path, params, err := listRequest(op, opts, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, op, path, params, in)
	if err != nil {
		return nil, err
	}
	return decode[T](op, resp)
}

// callList is call for operations that answer a list without pages.
func callList[T any](ctx context.Context, c *Client, op *operation.Operation, in any, args ...string) ([]*T, error) {
	path, err := buildPath(op, args)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, op, path, nil, in)
	if err != nil {
		return nil, err
	}
	items, err := decode[[]*T](op, resp)
	if err != nil {
		return nil, err
	}
	if err := noneIsNull(op, resp, *items); err != nil {
		return nil, err
	}
	return *items, nil
}

// noneIsNull refuses lists in which an object is missing.
func noneIsNull[T any](op *operation.Operation, resp *transport.Response, items []*T) error {
	if i := slices.Index(items, nil); i >= 0 {
		return newDecodeError(op, resp, fmt.Errorf("item %d of the list is null", i))
	}
	return nil
}

// exec is call for operations of which the answer says nothing, or no more than
// that they were carried out.
func exec(ctx context.Context, c *Client, op *operation.Operation, in any, args ...string) error {
	path, err := buildPath(op, args)
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, op, path, nil, in)
	return confirm(op, resp, err)
}

// confirm accepts an answer that has no body or one of JSON. A page of HTML is
// some proxy's answer and confirms nothing. When a DELETE finds nothing after an
// attempt that may have deleted it, it is done.
func confirm(op *operation.Operation, resp *transport.Response, err error) error {
	if op.Method == http.MethodDelete && errors.Is(err, ErrNotFound) && resp != nil && resp.Uncertain {
		return nil
	}
	if err != nil {
		return err
	}
	if body := bytes.TrimSpace(resp.Body); len(body) > 0 && !json.Valid(body) {
		return newDecodeError(op, resp, errors.New("the body is not JSON"))
	}
	return nil
}

// Do calls an operation that this package does not know yet, with the same
// authentication, repetition, limits and errors as all others.
//
// The method is one of GET, POST, PUT, PATCH and DELETE. The path starts with
// "/" and is already escaped (see [net/url.PathEscape]); it holds no query,
// which goes into query and may be nil. in is sent as JSON unless it is nil, and
// the answer is decoded into out, a pointer, unless that is nil; names of members
// match to the letter, and numbers in values of type any become a [json.Number].
// Segments of the path that look like arguments are masked in errors and logs.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	if !slices.Contains(operation.Methods(), method) {
		return &ArgumentError{Arg: "method", Reason: "it must be one of " + strings.Join(operation.Methods(), ", ")}
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
	if out == nil {
		return confirm(op, resp, err)
	}
	if err != nil {
		return err
	}
	if err := wire.UnmarshalGeneric(resp.Body, out); err != nil {
		return newDecodeError(op, resp, err)
	}
	return nil
}

// send checks and encodes what a call sends, and returns a response with a 2xx
// status or an error. An [*APIError] comes with its response.
func (c *Client) send(ctx context.Context, op *operation.Operation, path string, query url.Values, in any) (*transport.Response, error) {
	if ctx == nil {
		return nil, &ArgumentError{Arg: "ctx", Reason: "the context is nil"}
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
	if c.renewable {
		ctx = context.WithValue(ctx, usedTokenKey{}, new(usedToken))
	}
	resp, err := c.transport.Send(ctx, req)
	observe(ctx, resp, err)
	switch {
	case err != nil:
		return nil, newTransportError(op, err)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return resp, newAPIError(op, resp)
	case resp.ReadErr != nil:
		return nil, newDecodeError(op, resp, resp.ReadErr)
	}
	return resp, nil
}

const mediaType = "application/json"

// header returns the header of a call, beside what the client sends with all.
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

// decode turns an answer into a value that is never nil without an error.
func decode[T any](op *operation.Operation, resp *transport.Response) (*T, error) {
	value := new(T)
	if err := wire.Unmarshal(resp.Body, value); err != nil {
		return nil, newDecodeError(op, resp, err)
	}
	return value, nil
}

// checker is an input that can tell before it is sent that no server would
// take it.
type checker interface{ check() error }

func encodeInput(in any) ([]byte, error) {
	if c, ok := in.(checker); ok {
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	body, err := wire.Marshal(in)
	if err != nil {
		return nil, &ArgumentError{Arg: "in", Reason: "it cannot be sent as JSON: " + err.Error()}
	}
	return body, checkExtra("in", reflect.ValueOf(in))
}

// checkExtra rejects members of an Extra for which the object has a field,
// anywhere in a value.
func checkExtra(arg string, v reflect.Value) error {
	var errs []error
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return checkExtra(arg, v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			errs = append(errs, checkExtra(fmt.Sprintf("%s[%d]", arg, i), v.Index(i)))
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			errs = append(errs, checkExtra(fmt.Sprintf("%s[%q]", arg, key), value))
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if !field.IsExported() {
				continue
			}
			if extra, ok := reflect.TypeAssert[Extra](value); ok {
				errs = append(errs, extra.check(arg+".Extra", v.Type()))
			} else {
				errs = append(errs, checkExtra(arg+"."+field.Name, value))
			}
		}
	}
	return cmp.Or(errs...)
}

func (e Extra) check(arg string, t reflect.Type) error {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if _, ok := e[name]; ok && name != "" {
			return &ArgumentError{Arg: arg, Reason: fmt.Sprintf("the member %q has a field: set %s instead", name, field.Name)}
		}
	}
	return nil
}

func notEmpty(arg, value string) error {
	if value == "" {
		return &ArgumentError{Arg: arg, Reason: "must not be empty"}
	}
	return nil
}

// member is a member of a union, and whether it is set.
type member struct {
	name string
	set  bool
}

// exactlyOne rejects a union with no member or several. One that has Extra may
// have no other: it is of a kind that this version does not know.
func exactlyOne(arg string, extra Extra, members ...member) error {
	set := setOf(members)
	if len(set) == 1 || len(set) == 0 && len(extra) > 0 {
		return nil
	}
	found := "none is"
	if len(set) > 1 {
		found = strings.Join(set, " and ") + " are"
	}
	names := convert(members, func(m member) string { return m.name })
	last := len(names) - 1
	return &ArgumentError{
		Arg:    arg,
		Reason: "exactly one of " + strings.Join(names[:last], ", ") + " and " + names[last] + " must be set, but " + found,
	}
}

// setOf names the members that are set.
func setOf(members []member) []string {
	var names []string
	for _, m := range members {
		if m.set {
			names = append(names, m.name)
		}
	}
	return names
}

// Message is an answer that carries no object, only a text for people.
type Message struct {
	// Message is the text.
	Message string `json:"message"`

	Extra Extra `json:",embed,inline"`
}

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (m Message) LogValue() slog.Value { return logValue(m) }
