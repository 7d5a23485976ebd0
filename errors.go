package apono

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/transport"
	"github.com/apono-go/apono/internal/wire"
)

// An [*APIError] matches one of these, by its status, in errors.Is.
var (
	ErrBadRequest   = errors.New("bad request")  // 400 and 422
	ErrUnauthorized = errors.New("unauthorized") // 401: the token is missing, invalid, revoked or expired
	ErrForbidden    = errors.New("forbidden")    // 403: the token lacks a permission
	ErrNotFound     = errors.New("not found")    // 404
	ErrConflict     = errors.New("conflict")     // 409
	ErrRateLimited  = errors.New("rate limited") // 429
	ErrServer       = errors.New("server error") // 500 and above
)

// Errors that do not depend on the status. Compare with errors.Is.
var (
	// ErrPageLoop ends a list when the server returns a page token seen before.
	ErrPageLoop = errors.New("the server returned the same page token twice")
	// ErrEmptyPages ends a list after 10,000 empty pages in a row, each with a token of a
	// next page. The list then returns a *PageError.
	ErrEmptyPages = errors.New("the server returned 10000 empty pages in a row")
	// ErrTruncated is matched by every *TruncatedError.
	ErrTruncated = errors.New("the list is not complete")
	// ErrAmbiguous is returned by GetByName when several objects have the name.
	ErrAmbiguous = errors.New("several objects have this name")
	// ErrResponseTooLarge is returned for a body above the limit of WithMaxResponseBytes.
	ErrResponseTooLarge = transport.ErrTooLarge
	// ErrMaybeDone is matched by every error of an operation that may have taken effect
	// on the server although it failed: an *APIError or *DecodeError with MaybeDone,
	// or a *TransportError with MaybeSent.
	ErrMaybeDone = errors.New("the operation may have taken effect")
	// ErrReadOnly is returned for operations that WithReadOnly rejects.
	ErrReadOnly = errors.New("the client is read-only")
)

// Body is the body of a response. It prints, logs and marshals as its length, because
// it may contain credentials and personal data. string(body) is its content.
type Body []byte

// Format prints the length with every verb.
func (b Body) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.hidden()) }

// LogValue returns the length.
func (b Body) LogValue() slog.Value { return slog.StringValue(b.hidden()) }

// MarshalJSON returns the length.
func (b Body) MarshalJSON() ([]byte, error) { return json.Marshal(b.hidden()) }

func (b Body) hidden() string { return fmt.Sprintf("[%d bytes]", len(b)) }

// APIError reports a response with a status other than 2xx. Code, Message and RequestID
// are empty if the server sent none.
type APIError struct {
	StatusCode int
	Code       string // the server's error code
	Message    string // the server's explanation, from a body of any form
	RequestID  string
	Method     string
	Path       string // path template, such as /api/admin/v4/integrations/{id}
	Attempts   int
	RetryAfter time.Duration // 0 if the server did not send it
	Header     http.Header   // without Set-Cookie
	Body       Body          // with the token masked
	// MaybeDone reports that the operation may have taken effect: it changes something,
	// and the status is 408 or 5xx, or an earlier attempt may have reached the server.
	MaybeDone bool

	otherBase bool // the base URL is not the default
}

// Format prints the text of the error with every verb.
func (e APIError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// Error describes the error in one line. It masks e-mail addresses in the message of
// the server; the Message field contains them.
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
		fmt.Fprintf(b, ", request ID %s", id)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(b, ", retry after %s", transport.Seconds(e.RetryAfter))
	}
	if e.Attempts > 1 {
		fmt.Fprintf(b, ", after %d attempts", e.Attempts)
	}
	if e.otherBase && e.StatusCode == http.StatusNotFound && !isRejection(e) {
		b.WriteString("; check the base URL in APONO_ENDPOINT or WithBaseURL")
	}
	return b.String()
}

// Is reports whether target is the error of this package for the status, such as
// [ErrNotFound], or [ErrMaybeDone] if MaybeDone is true.
func (e *APIError) Is(target error) bool {
	switch target {
	case ErrMaybeDone:
		return e.MaybeDone
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

// LogValue returns the fields as attributes, without header and body.
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

// MarshalJSON returns the attributes of LogValue as an object.
func (e APIError) MarshalJSON() ([]byte, error) {
	attributes := map[string]any{}
	for _, a := range e.LogValue().Group() {
		attributes[a.Key] = a.Value.Any()
	}
	return json.Marshal(attributes)
}

// DecodeError reports a 2xx response whose body is invalid: not JSON, of another type,
// without a required field, or cut short.
type DecodeError struct {
	StatusCode int
	RequestID  string // empty if the server sent none
	Method     string
	Path       string // path template
	Attempts   int
	Header     http.Header // without Set-Cookie
	Body       Body        // as far as it was received
	Err        error       // what is wrong with the body
	// MaybeDone reports that the operation changes something, so it has probably taken
	// effect.
	MaybeDone bool
}

// Format prints the text of the error with every verb.
func (e DecodeError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// Error describes the error in one line, without the body.
func (e *DecodeError) Error() string {
	b := startMessage(e.Method, e.Path)
	fmt.Fprintf(b, ": %s, but the body is unusable", statusText(e.StatusCode))
	if e.Err != nil {
		fmt.Fprintf(b, ": %s", oneLine(e.Err.Error()))
	}
	if id := oneLine(e.RequestID); id != "" {
		fmt.Fprintf(b, ", request ID %s", id)
	}
	return b.String()
}

// Is reports whether target is [ErrMaybeDone] and MaybeDone is true.
func (e *DecodeError) Is(target error) bool { return target == ErrMaybeDone && e.MaybeDone }

// Unwrap returns what is wrong with the body.
func (e *DecodeError) Unwrap() error { return e.Err }

// TransportError reports a call that ended without a usable response, because the
// network failed or the context ended. It is a [net.Error]. For every kind of timeout,
// Timeout returns true, and errors.Is matches [context.DeadlineExceeded].
type TransportError struct {
	Method   string
	Path     string // path template
	Attempts int    // including attempts that sent nothing
	// MaybeSent reports that the request may have reached the server and that no
	// response rejected it, so it is unknown whether it was processed. It is set only for
	// operations that change something or read one-time credentials.
	MaybeSent bool
	Err       error
	Last      *APIError // the last response, nil if there was none
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
		fmt.Fprintf(b, "; the last response was %s", statusText(e.Last.StatusCode))
	}
	return b.String()
}

// Timeout reports whether the call ended because of a timeout.
func (e *TransportError) Timeout() bool { return e.Err != nil && transport.IsTimeout(e.Err) }

// Temporary returns the same as Timeout. It is required by [net.Error].
func (e *TransportError) Temporary() bool { return e.Timeout() }

// Is reports whether target is [context.DeadlineExceeded] and the error is a timeout, or
// [ErrMaybeDone] and MaybeSent is true.
func (e *TransportError) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Timeout() || target == ErrMaybeDone && e.MaybeSent
}

// Unwrap returns Err, and Last if there was a response.
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

// ArgumentError reports an invalid argument. No request was sent.
type ArgumentError struct {
	Arg    string // name of the argument, such as "id" or "in.Name"
	Reason string // what is wrong with it, such as "must not be empty"
}

// Error returns the name of the argument and the reason.
func (e *ArgumentError) Error() string {
	return "apono: argument " + e.Arg + ": " + e.Reason
}

// PageError reports a list with page tokens that failed after its first page. A list
// that ended with [ErrPageLoop] has no PageError, because it cannot be resumed.
type PageError struct {
	// NextPageToken is the token of the page that was not read. As the PageToken of the
	// options, it resumes the list there.
	NextPageToken string
	Err           error
}

// Error returns the text of Err. It does not contain the token.
func (e *PageError) Error() string {
	if e.Err == nil {
		return "apono: the list ended early"
	}
	return "apono: " + strings.TrimPrefix(e.Err.Error(), "apono: ")
}

// Unwrap returns Err.
func (e *PageError) Unwrap() error { return e.Err }

// TruncatedError reports a list by offset that ended early, because continuing could
// have lost or duplicated items. The items before the error are valid. errors.Is
// matches [ErrTruncated].
type TruncatedError struct {
	Method   string
	Path     string // path template
	Total    int    // number of items as last reported by the server
	Received int    // number of items yielded
	Reason   string // what the server did
}

// Error returns the number of items read and the reason for the end.
func (e *TruncatedError) Error() string {
	b := startMessage(e.Method, e.Path)
	fmt.Fprintf(b, ": %s: %d items read, total %d: %s", ErrTruncated, e.Received, e.Total, e.Reason)
	return b.String()
}

// Is reports whether target is [ErrTruncated].
func (e *TruncatedError) Is(target error) bool { return target == ErrTruncated }

// formatText prints a string with every verb, so that none prints the fields.
func formatText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}

// address matches the at sign of an address, also percent-encoded, once or more, and in
// full width.
var address = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[@＠]|%(25)*40`) })

// oneLine makes text from outside fit for a line of a log: no line breaks, no
// addresses of people, no query strings, and not too long.
func oneLine(text string) string {
	const limit = 300
	words := strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	for i, word := range words {
		if utf8.RuneCountInString(word) > 1 && address().MatchString(word) {
			words[i] = "[e-mail]"
		} else if query := strings.Index(word, "?"); query >= 0 && strings.Contains(word, "/") {
			words[i] = word[:query]
		}
	}
	return cut(strings.Join(words, " "), limit)
}

// joinTexts joins the strings that are not empty.
func joinTexts(separator string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), separator)
}

// cut shortens a string to a number of bytes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
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

func (r *response) apiError() *APIError {
	header, body := r.Redacted()
	code, message := parseErrorBody(header, body)
	unclear := r.Uncertain || r.StatusCode == http.StatusRequestTimeout || r.StatusCode >= http.StatusInternalServerError
	return &APIError{
		MaybeDone:  r.op.Changes && unclear,
		StatusCode: r.StatusCode,
		Code:       r.Mask(code), // again, because JSON may have escaped the token
		Message:    r.Mask(message),
		RequestID:  transport.RequestID(header),
		Method:     r.op.Method,
		Path:       r.op.Path,
		Attempts:   r.Attempts,
		RetryAfter: r.RetryAfter,
		Header:     header,
		Body:       body,
	}
}

func (r *response) decodeError(err error) *DecodeError {
	header, body := r.Redacted()
	if text := notFromTheAPI(header, body); text != "" && r.ReadErr == nil {
		err = errors.New(text)
	}
	return &DecodeError{
		MaybeDone:  r.op.Changes,
		StatusCode: r.StatusCode,
		RequestID:  transport.RequestID(header),
		Method:     r.op.Method,
		Path:       r.op.Path,
		Attempts:   r.Attempts,
		Header:     header,
		Body:       body,
		Err:        err,
	}
}

func newTransportError(op *operation.Operation, err error) *TransportError {
	e := &TransportError{Method: op.Method, Path: op.Path, Err: err}
	if failed, ok := errors.AsType[*transport.Error](err); ok {
		e.Err, e.Attempts, e.MaybeSent = failed.Err, failed.Attempts, failed.MaybeSent
		if failed.Last != nil {
			e.Last = (&response{failed.Last, op}).apiError()
		}
	}
	return e
}

// Errors of [UntilGranted], [UntilRevoked] and the methods that wait for access or watch
// it.
var (
	ErrRequestRejected = errors.New("the access request was rejected")
	ErrRequestFailed   = errors.New("the access request failed")
	ErrRequestRevoked  = errors.New("the access request was revoked or has expired")
)

// WaitError reports a wait that ended early.
type WaitError struct {
	ID      string         // of the request or the session
	Request *AccessRequest // as last read, nil if it was never read
	Session *AccessSession // as last read, nil if it was never read
	// Missing lists the integrations without a usable session. Only Grant.Sessions
	// sets it.
	Missing []MissingSession
	// LastFailure is the error of the last failed poll, nil if there was none. A poll
	// that the context ended does not count.
	LastFailure error
	Err         error // why the wait ended
}

// Error returns the ID, the reason, the last status, what is missing, and the last
// failed poll.
func (e *WaitError) Error() string {
	var what, status string
	switch {
	case e.Request != nil:
		what, status = "access request ", string(e.Request.Status)
	case e.Session != nil:
		what, status = "access session ", string(e.Session.CredentialsStatus)
	}
	var text strings.Builder
	text.WriteString("apono: waiting")
	if e.ID != "" {
		text.WriteString(" for " + what + oneLine(e.ID))
	}
	if e.Err != nil {
		text.WriteString(": " + strings.TrimPrefix(e.Err.Error(), "apono: "))
	}
	if what != "" {
		text.WriteString("; its last status was " + oneLine(status))
	}
	for i, missing := range e.Missing {
		if i == 0 {
			text.WriteString("; no usable session")
		} else {
			text.WriteString(",")
		}
		text.WriteString(" of request " + oneLine(missing.RequestID))
		if in := oneLine(cmp.Or(missing.Integration.Name, missing.Integration.ID)); in != "" {
			text.WriteString(" in " + in)
		}
	}
	if e.LastFailure != nil && !errors.Is(e.Err, e.LastFailure) {
		text.WriteString("; the last failure was " + strings.TrimPrefix(oneLine(e.LastFailure.Error()), "apono: "))
	}
	return text.String()
}

// Unwrap returns Err.
func (e *WaitError) Unwrap() error { return e.Err }

// RevokeError reports access that may remain.
type RevokeError struct {
	IDs []string // requests that could not be revoked
	// MaybeRequested reports that there may be more requests with unknown IDs, because
	// the response to Create was lost or incomplete.
	MaybeRequested bool
	Err            error
}

// Error returns what may remain and why.
func (e *RevokeError) Error() string {
	text := "apono: access may remain"
	if len(e.IDs) > 0 {
		text += ": revoke the requests " + oneLine(strings.Join(e.IDs, ", "))
	}
	if e.MaybeRequested {
		text += ": look for requests without a known ID"
	}
	if e.Err != nil {
		text += ": " + strings.TrimPrefix(oneLine(e.Err.Error()), "apono: ")
	}
	return text
}

// Unwrap returns Err.
func (e *RevokeError) Unwrap() error { return e.Err }

// Most programs never see such a page, so none compiles these when it starts.
var (
	htmlElement  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)<html[\s>]`) })
	titleElement = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`) })
)

// notFromTheAPI describes a body that is still compressed, HTML or XML, and what to
// check. It returns "" for other bodies.
func notFromTheAPI(header http.Header, body []byte) string {
	text := bytes.TrimSpace(wire.TrimMark(body))
	switch encoding := encodingOf(header); {
	case bytes.HasPrefix(body, []byte("\x1f\x8b")):
		return "the body is still compressed with gzip: unset http.Transport.DisableCompression and Accept-Encoding"
	case encoding != "" && len(body) > 0 && !json.Valid(text):
		return "the body is compressed with " + cut(oneLine(encoding), 20) + ", which is not supported: unset Accept-Encoding"
	case !isMarkup(header, text):
		return ""
	}
	text = text[:min(len(text), 64<<10)] // the title is near the start
	what, title := "an HTML page", ""
	if bytes.HasPrefix(text, []byte("<?xml")) && !htmlElement().Match(text) {
		what = "an XML document"
	}
	if found := titleElement().FindSubmatch(text); found != nil {
		if words := oneLine(html.UnescapeString(string(found[1]))); words != "" {
			title = " titled " + strconv.Quote(cut(words, 100))
		}
	}
	return what + title + " instead of JSON: a proxy or gateway may have responded"
}

// isMarkup reports whether a body is HTML or XML. Servers also label other bodies as
// HTML.
func isMarkup(header http.Header, text []byte) bool {
	if bytes.HasPrefix(text, []byte("<")) {
		return true
	}
	isHTML := strings.Contains(strings.ToLower(header.Get("Content-Type")), "html")
	return isHTML && bytes.Contains(text, []byte("<")) && !json.Valid(text)
}

// encodingOf returns the encoding that net/http has not removed from a body, such as
// "br", and "" for none.
func encodingOf(header http.Header) string {
	encoding := strings.ToLower(header.Get("Content-Encoding"))
	return strings.TrimPrefix(encoding, "identity")
}
