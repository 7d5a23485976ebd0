package apono

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"unicode"

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
	if refused := (*APIError)(nil); errors.As(err, &refused) && op.Method == http.MethodDelete &&
		refused.StatusCode == http.StatusNotFound && refused.uncertain {
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
	if err := wire.Unmarshal(resp.Body, out); err != nil {
		return newDecodeError(op, resp, err)
	}
	return nil
}

// send checks and encodes what a call sends, and turns what came into a
// response with status 2xx or an error.
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
	req := transport.Request{Operation: op, URL: c.resolve(path, query), Header: header, Once: isWithoutRetry(ctx)}
	if in != nil {
		if req.Body, err = encodeInput(in); err != nil {
			return nil, err
		}
	}
	resp, err := c.transport.Send(ctx, req)
	switch {
	case err != nil:
		return nil, newTransportError(op, err)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, newAPIError(op, resp)
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

// buildPath fills a path template with arguments, each as one escaped segment.
func buildPath(op *operation.Operation, args []string) (string, error) {
	for i, name := range op.Parameters() {
		if err := checkSegment(name, args[i]); err != nil {
			return "", err
		}
	}
	return op.Fill(func(i int, _ string) string { return url.PathEscape(args[i]) }), nil
}

// checkSegment refuses what would address something else than one object: the
// collection, its parent, or a path that proxies read in ways of their own.
func checkSegment(name, value string) error {
	refuse := func(reason string) error { return &ArgumentError{Arg: name, Reason: reason} }
	switch {
	case value == "":
		return refuse("it is empty: it must name one object")
	case value == "." || value == "..":
		return refuse("it is " + value + ", which a server may read as another path")
	case strings.IndexFunc(value, unicode.IsControl) >= 0:
		return refuse("it holds a control character, such as a line break")
	}
	return nil
}

// cleanPath checks an escaped path and brings it into the form that the
// operation table is matched with.
func cleanPath(path string) (string, error) {
	refuse := func(reason string) (string, error) { return "", &ArgumentError{Arg: "path", Reason: reason} }
	switch {
	case !strings.HasPrefix(path, "/"):
		return refuse("it must start with \"/\"")
	case strings.ContainsAny(path, "?#"):
		return refuse("it must not hold a query or a fragment: give the query apart, and escape the path's segments")
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		text, err := url.PathUnescape(segment)
		if err != nil {
			return refuse("its escaping is broken: escape each segment with url.PathEscape")
		}
		if err := checkSegment("path", text); err != nil {
			return "", err
		}
		segments[i] = url.PathEscape(text)
	}
	return "/" + strings.Join(segments, "/"), nil
}

// decode turns an answer into a value that is never nil without an error.
func decode[T any](op *operation.Operation, resp *transport.Response) (*T, error) {
	value := new(T)
	if err := decodeKnown(resp.Body, value); err != nil {
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
	if u, ok := in.(interface{ source() *origin }); ok {
		if body, err = u.source().restore(body); err != nil {
			return nil, &ArgumentError{Arg: "in", Reason: "it cannot be sent: " + err.Error()}
		}
	}
	return body, nil
}

// member is a member of a union, and whether it is set.
type member struct {
	name string
	set  bool
}

// exactlyOne refuses a union with no member or several. One that came from the
// server may have a member that this version does not know.
func exactlyOne(arg string, fromServer bool, members ...member) error {
	set := setOf(members)
	if len(set) == 1 || len(set) == 0 && fromServer {
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

type (
	headerKey       struct{}
	withoutRetryKey struct{}
)

// WithRequestHeader returns a context whose calls carry a header, in place of
// the client's own of that name. Authorization, Host and the headers that
// describe the body or the connection cannot be set, nor Idempotency-Key,
// which would have net/http repeat requests that must not be: calls with such a
// context are an [*ArgumentError].
func WithRequestHeader(ctx context.Context, key, value string) context.Context {
	header, _ := ctx.Value(headerKey{}).(http.Header)
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header[textproto.CanonicalMIMEHeaderKey(key)] = []string{value}
	return context.WithValue(ctx, headerKey{}, header)
}

// WithoutRetry returns a context whose calls send one request each, whatever
// becomes of it.
func WithoutRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, withoutRetryKey{}, true)
}

func isWithoutRetry(ctx context.Context) bool {
	without, _ := ctx.Value(withoutRetryKey{}).(bool)
	return without
}

// ownHeaders are those that a caller cannot set.
var ownHeaders = []string{
	"Authorization", "Proxy-Authorization", "Host", "Accept", "Accept-Encoding", "Content-Type", "Content-Length",
	"Content-Encoding", "Transfer-Encoding", "Connection", "Te", "Trailer", "Upgrade", "Expect",
	"Idempotency-Key", "X-Idempotency-Key",
}

func checkHeader(name, value string) error {
	const nameCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	switch {
	case name == "" || strings.Trim(name, nameCharacters) != "":
		return &ArgumentError{Arg: "key", Reason: "it is not the name of an HTTP header"}
	case slices.Contains(ownHeaders, name):
		return &ArgumentError{Arg: "key", Reason: "the header " + name + " is the client's own and cannot be set"}
	case !isHeaderValue(value):
		return &ArgumentError{Arg: "value", Reason: "the value of header " + name + " holds characters other than printable ASCII"}
	}
	return nil
}

// Message is an answer that carries no object, only a text for people.
type Message struct {
	// Message is the text.
	Message string `json:"message"`
}

// Ptr returns a pointer to a value, for optional fields.
func Ptr[T any](v T) *T { return &v }
