package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// ErrAbandoned is the cause of a context whose call this library gave up itself:
// read-ahead that is not wanted any more.
var ErrAbandoned = errors.New("the result is not wanted any more")

// record logs the attempt that has just ended, at a level that follows its
// outcome: Debug for success and for what was given up, Warn for a rejection or
// an attempt that is followed by another, Error for a failure.
func (c *call) record(retried bool) {
	logger := c.transport.config.Logger
	if logger == nil {
		return
	}
	op, resp, err := c.request.Operation, c.latest.resp, c.latest.err
	attrs := []slog.Attr{
		slog.String("operation", op.Name),
		slog.String("method", op.Method),
		slog.String("path", op.Path),
		slog.Int("attempt", c.attempts),
		slog.Duration("wait", c.wait),
		slog.Duration("duration", c.latest.took),
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
		if id := resp.Mask(RequestID(resp.Header)); id != "" {
			attrs = append(attrs, slog.String("request_id", id))
		}
		err = resp.ReadErr
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	logger.LogAttrs(c.ctx, c.level(err, retried), "apono request", attrs...)
}

func (c *call) level(err error, retried bool) slog.Level {
	resp := c.latest.resp
	switch {
	case context.Cause(c.ctx) == ErrAbandoned: //nolint:errorlint // the very cause
		return slog.LevelDebug
	case retried:
		return slog.LevelWarn
	case err != nil || resp.StatusCode >= http.StatusInternalServerError:
		return slog.LevelError
	case resp.StatusCode >= http.StatusMultipleChoices:
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

// requestIDs are the headers in which servers and proxies name a request, the
// most specific first. The API documents none.
var requestIDs = []string{
	"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Trace-Id", "X-Amzn-Requestid", "X-Amzn-Trace-Id", "Cf-Ray", "X-Amz-Cf-Id",
}

// RequestID returns the server's name for a request, empty if it gave none.
func RequestID(header http.Header) string {
	for _, name := range requestIDs {
		if id := header.Get(name); id != "" {
			return id
		}
	}
	return ""
}
