package program

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// retries is a handler of log records that tells the screen about attempts that are
// retried.
type retries struct{ screen *screen }

func (h retries) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (h retries) WithAttrs([]slog.Attr) slog.Handler               { return h }
func (h retries) WithGroup(string) slog.Handler                    { return h }

// Handle reads the status or the error of an attempt. The level is Warn if it is retried,
// but also for other responses with status 3xx or 4xx.
func (h retries) Handle(_ context.Context, record slog.Record) error {
	failure := ""
	record.Attrs(func(attr slog.Attr) bool {
		switch attr.Key {
		case "status":
			status := int(attr.Value.Int64())
			if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
				failure = attr.Value.String() + " " + http.StatusText(status)
			}
		case "error":
			failure = attr.Value.String()
		}
		return true
	})
	if record.Level > slog.LevelWarn {
		failure = ""
	}
	h.screen.mu.Lock()
	defer h.screen.mu.Unlock()
	h.screen.failure, h.screen.failed = failure, time.Now()
	return nil
}
