package transport

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func logInto(b *bytes.Buffer) func(*Config) {
	handler := slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return attr
	}})
	return func(config *Config) { config.Logger = slog.New(handler) }
}

func TestNoRecordWithoutAttempt(t *testing.T) {
	t.Parallel()
	var records bytes.Buffer
	noToken := func(config *Config) { config.Token = func(context.Context) (string, error) { return "", errReset } }
	_, err := send(t, newTransport(t, script.New(t), logInto(&records), noToken), reading)
	require.ErrorIs(t, err, errReset)
	assert.Empty(t, records.String())
}

// RequestID prefers the most specific header.
func TestRequestID(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	assert.Empty(t, RequestID(header))
	for _, name := range []string{"Cf-Ray", "X-Amzn-Trace-Id", "X-Correlation-Id", "Request-Id", "X-Request-Id"} {
		header.Set(name, "from "+name)
		assert.Equal(t, "from "+name, RequestID(header))
	}
}
