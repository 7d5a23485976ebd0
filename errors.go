package apono

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/transport"
)

// Sentinels for errors.Is. The first group matches an [*APIError] by its status.
var (
	// ErrBadRequest is a request that the server finds malformed or invalid: 400 or 422.
	ErrBadRequest = errors.New("bad request")
	// ErrUnauthorized is a token that is missing, wrong, revoked or expired: 401.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden is a token that may not do this: 403.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound is an object that does not exist: 404.
	ErrNotFound = errors.New("not found")
	// ErrConflict is a request against the present state: 409.
	ErrConflict = errors.New("conflict")
	// ErrRateLimited is too many requests: 429.
	ErrRateLimited = errors.New("rate limited")
	// ErrServer is a failure on the server's side: 500 and above.
	ErrServer = errors.New("server error")

	// ErrPageLoop is a page token that the server had given before: following
	// it would not end.
	ErrPageLoop = errors.New("the server repeated a page token")
	// ErrEmptyPages is a list of which 10,000 pages in a row were empty, though
	// each had the token of another; the error is a [*PageError].
	ErrEmptyPages = errors.New("the server returned 10000 empty pages in a row")
	// ErrTruncated is a list by offset that could not be read to its end; the
	// error is a [*TruncatedError].
	ErrTruncated = errors.New("the list is not complete")
	// ErrAmbiguous is a name that several objects have.
	ErrAmbiguous = errors.New("several objects have this name")
	// ErrResponseTooLarge is a body above the limit of [WithMaxResponseBytes].
	ErrResponseTooLarge = transport.ErrTooLarge
	// ErrReadOnly is an operation that [WithReadOnly] refuses.
	ErrReadOnly = errors.New("the client is read-only")
)

// Body is what an answer held. It prints, logs and marshals as its length, for
// it may hold credentials and the data of people; string(body) is its content.
type Body []byte

// Format prints the length, with every verb.
func (b Body) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.hidden()) }

// LogValue gives the length.
func (b Body) LogValue() slog.Value { return slog.StringValue(b.hidden()) }

// MarshalJSON gives the length.
func (b Body) MarshalJSON() ([]byte, error) { return json.Marshal(b.hidden()) }

func (b Body) hidden() string { return fmt.Sprintf("[%d bytes]", len(b)) }

// APIError is an answer other than 2xx. Whatever the body holds, it is kept.
type APIError struct {
	// StatusCode is the HTTP status.
	StatusCode int
	// Code is the server's own code, empty if it gave none.
	Code string
	// Message is the server's explanation, empty if it gave none.
	Message string
	// RequestID is the server's name for the request, empty if it gave none.
	RequestID string
	// Method is the HTTP method.
	Method string
	// Path is the path template, such as /api/admin/v4/integrations/{id}.
	Path string
	// Attempts is how many attempts the client made.
	Attempts int
	// RetryAfter is how long the server asks to wait, zero if it does not say.
	RetryAfter time.Duration
	// Header is the answer's header without Set-Cookie.
	Header http.Header
	// Body is the answer's body; the token is masked if the server echoed it.
	Body Body
}

// Format prints the error's text with every verb.
func (e APIError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// Error describes the error in one line. E-mail addresses in the server's
// message are masked; Message has them.
func (e *APIError) Error() string {
	b := startMessage(e.Method, e.Path)
	fmt.Fprintf(b, ": %s", statusText(e.StatusCode))
	if text := oneLine(cmp.Or(e.Message, notFromTheAPI(e.Header, e.Body))); text != "" {
		fmt.Fprintf(b, ": %s", text)
	}
	if code := oneLine(e.Code); code != "" && code != http.StatusText(e.StatusCode) {
		fmt.Fprintf(b, ", code %s", code)
	}
	if id := oneLine(e.RequestID); id != "" {
		fmt.Fprintf(b, ", request id %s", id)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(b, ", retry after %s", e.RetryAfter)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(b, ", after %d attempts", e.Attempts)
	}
	return b.String()
}

// Is compares the status with the sentinels of this package.
func (e *APIError) Is(target error) bool {
	switch target {
	case ErrBadRequest:
		return e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusUnprocessableEntity
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrConflict:
		return e.StatusCode == http.StatusConflict
	case ErrRateLimited:
		return e.StatusCode == http.StatusTooManyRequests
	case ErrServer:
		return e.StatusCode >= http.StatusInternalServerError
	}
	return false
}

// LogValue gives the error's parts as attributes, without header and body.
func (e *APIError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("status", e.StatusCode),
		slog.String("method", e.Method),
		slog.String("path", e.Path),
		slog.String("code", oneLine(e.Code)),
		slog.String("message", oneLine(e.Message)),
		slog.String("request_id", oneLine(e.RequestID)),
		slog.Int("attempts", e.Attempts),
	)
}

// DecodeError is an answer with status 2xx that is not what the API promises:
// no JSON, another type, nothing where an object is due, or cut short.
type DecodeError struct {
	// StatusCode is the HTTP status.
	StatusCode int
	// RequestID is the server's name for the request, empty if it gave none.
	RequestID string
	// Method is the HTTP method.
	Method string
	// Path is the path template.
	Path string
	// Attempts is how many attempts the client made.
	Attempts int
	// Header is the answer's header without Set-Cookie.
	Header http.Header
	// Body is the answer's body as far as it came.
	Body Body
	// Err is what is wrong with it.
	Err error
}

// Format prints the error's text with every verb.
func (e DecodeError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// Error describes the error in one line, without the body.
func (e *DecodeError) Error() string {
	b := startMessage(e.Method, e.Path)
	fmt.Fprintf(b, ": %s with a body that cannot be used", statusText(e.StatusCode))
	if e.Err != nil {
		fmt.Fprintf(b, ": %s", oneLine(e.Err.Error()))
	}
	if id := oneLine(e.RequestID); id != "" {
		fmt.Fprintf(b, ", request id %s", id)
	}
	return b.String()
}

// Unwrap returns what is wrong with the body.
func (e *DecodeError) Unwrap() error { return e.Err }

// TransportError is a call that ended without a usable response: the network
// failed, or the context ended. It is a [net.Error]; for every kind of timeout,
// whoever set it, Timeout is true and errors.Is finds [context.DeadlineExceeded].
type TransportError struct {
	// Method is the HTTP method.
	Method string
	// Path is the path template.
	Path string
	// Attempts is how many attempts the client made, those that sent nothing
	// among them. In each, net/http may have sent a GET twice by itself.
	Attempts int
	// MaybeSent says that a request which changes something, or reads one-time
	// credentials, may have reached the server, without a response that rejected
	// it: it is unknown whether it was carried out. It is false for other reads.
	MaybeSent bool
	// Err is why the call ended.
	Err error
	// Last is the last answer before the end, nil if there was none.
	Last *APIError
}

// Error describes the error in one line.
func (e *TransportError) Error() string {
	b := startMessage(e.Method, e.Path)
	if e.Err != nil {
		fmt.Fprintf(b, ": %s", oneLine(e.Err.Error()))
	}
	if e.Attempts > 1 {
		fmt.Fprintf(b, ", after %d attempts", e.Attempts)
	}
	if e.Last != nil {
		fmt.Fprintf(b, "; the last answer was %s", statusText(e.Last.StatusCode))
	}
	return b.String()
}

// Timeout reports whether the call ended because something took too long.
func (e *TransportError) Timeout() bool { return e.Err != nil && transport.IsTimeout(e.Err) }

// Temporary is Timeout; it makes the error a [net.Error].
func (e *TransportError) Temporary() bool { return e.Timeout() }

// Is finds [context.DeadlineExceeded] in every kind of timeout.
func (e *TransportError) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Timeout()
}

// Unwrap returns why the call ended, and the last answer if there was one.
func (e *TransportError) Unwrap() []error {
	var errs []error
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	if e.Last != nil {
		errs = append(errs, e.Last)
	}
	return errs
}

// ArgumentError is an argument that cannot be right. Nothing was sent.
type ArgumentError struct {
	// Arg names the argument.
	Arg string
	// Reason says what is wrong with it and what to do.
	Reason string
}

// Error names the argument and says what is wrong with it.
func (e *ArgumentError) Error() string {
	return "apono: argument " + e.Arg + ": " + e.Reason
}

// PageError is a list with page tokens that ended after its first page, in an
// error of any kind but [ErrPageLoop], from which there is nowhere to go on.
type PageError struct {
	// NextPageToken is the token of the page that was not read. Put into the
	// options' PageToken, the list goes on there.
	NextPageToken string
	// Err is why the list ended.
	Err error
}

// Error says why the list ended. It does not show the token.
func (e *PageError) Error() string {
	if e.Err == nil {
		return "apono: the list ended early"
	}
	return "apono: " + strings.TrimPrefix(e.Err.Error(), "apono: ")
}

// Unwrap returns why the list ended.
func (e *PageError) Unwrap() error { return e.Err }

// TruncatedError is a list by offset that could not be read to its end. The
// items before it are good; the rest could not be had without losing or
// repeating some. errors.Is finds [ErrTruncated] in it.
type TruncatedError struct {
	// Method is the HTTP method.
	Method string
	// Path is the path template.
	Path string
	// Total is the number of items that the server last said there are.
	Total int
	// Received is the number of items that were yielded.
	Received int
	// Reason says what the server did.
	Reason string
}

// Error says how far the list was read and why no further.
func (e *TruncatedError) Error() string {
	b := startMessage(e.Method, e.Path)
	fmt.Fprintf(b, ": %s: %d items read, total %d: %s", ErrTruncated, e.Received, e.Total, e.Reason)
	return b.String()
}

// Is makes the error an [ErrTruncated].
func (e *TruncatedError) Is(target error) bool { return target == ErrTruncated }

// formatText keeps verbs that are not for text from printing the fields.
func formatText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}

func startMessage(method, path string) *strings.Builder {
	b := new(strings.Builder)
	b.WriteString("apono")
	if method != "" || path != "" {
		fmt.Fprintf(b, ": %s %s", method, path)
	}
	return b
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

func newAPIError(op *operation.Operation, resp *transport.Response) *APIError {
	header, body := resp.Redacted()
	code, message := parseErrorBody(header, body)
	return &APIError{
		StatusCode: resp.StatusCode,
		Code:       resp.Mask(code), // which JSON may have escaped
		Message:    resp.Mask(message),
		RequestID:  transport.RequestID(header),
		Method:     op.Method,
		Path:       op.Path,
		Attempts:   resp.Attempts,
		RetryAfter: resp.RetryAfter,
		Header:     header,
		Body:       body,
	}
}

func newDecodeError(op *operation.Operation, resp *transport.Response, err error) *DecodeError {
	header, body := resp.Redacted()
	if text := notFromTheAPI(header, body); text != "" && resp.ReadErr == nil {
		err = errors.New(text)
	}
	return &DecodeError{
		StatusCode: resp.StatusCode,
		RequestID:  transport.RequestID(header),
		Method:     op.Method,
		Path:       op.Path,
		Attempts:   resp.Attempts,
		Header:     header,
		Body:       body,
		Err:        err,
	}
}

func newTransportError(op *operation.Operation, err error) *TransportError {
	e := &TransportError{Method: op.Method, Path: op.Path, Err: err}
	if failed := (*transport.Error)(nil); errors.As(err, &failed) {
		e.Err, e.Attempts, e.MaybeSent = failed.Err, failed.Attempts, failed.MaybeSent
		if failed.Last != nil {
			e.Last = newAPIError(op, failed.Last)
		}
	}
	return e
}
