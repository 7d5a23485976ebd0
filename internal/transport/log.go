package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// ErrAbandoned is the cause of a context that this library canceled because the
// result of read-ahead is no longer needed.
var ErrAbandoned = errors.New("the result is no longer needed")

// record logs the latest attempt. The level is Debug for success and for canceled
// calls, Warn for status 3xx or 4xx and for attempts that are retried, and Error
// for other failures.
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
	case errors.Is(c.ctx.Err(), context.Canceled):
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

// requestIDs are common headers for the ID of a request, the most specific first.
// The API documents none.
var requestIDs = []string{
	"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Trace-Id", "X-Amzn-Requestid", "X-Amzn-Trace-Id", "Cf-Ray", "X-Amz-Cf-Id",
}

// RequestID returns the ID that the server gave the request, or an empty string.
func RequestID(header http.Header) string {
	for _, name := range requestIDs {
		if id := header.Get(name); id != "" {
			return id
		}
	}
	return ""
}
