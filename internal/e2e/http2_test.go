package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/frames"
	"github.com/stretchr/testify/assert"
)

// In these cases net/http sends a GET again over HTTP/2. A consuming read must be sent
// in one HEADERS frame, in every version of the API and through Client.Do.
func TestConsumingReadsAreSentOnceOverHTTP2(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]func(c *frames.Conn, stream uint32){
		"REFUSED_STREAM": func(c *frames.Conn, stream uint32) { c.Reset(stream, frames.RefusedStream) },
		"GOAWAY after the request": func(c *frames.Conn, stream uint32) {
			c.GoAway(stream, frames.NoError)
			_ = c.Close()
		},
		"PROTOCOL_ERROR": func(c *frames.Conn, stream uint32) { c.Reset(stream, frames.ProtocolError) },
		"close":          func(c *frames.Conn, _ uint32) { _ = c.Close() },
	} {
		for operation, read := range map[string]func(t *testing.T, client *apono.Client) error{
			"session": func(t *testing.T, client *apono.Client) error {
				t.Helper()
				_, err := client.Sessions.GetAccessDetails(t.Context(), "s-1")
				return err
			},
			"legacy": func(t *testing.T, client *apono.Client) error {
				t.Helper()
				_, err := client.Legacy.AccessRequests.GetAccessDetails(t.Context(), "r-1")
				return err
			},
			"Do": func(t *testing.T, client *apono.Client) error {
				t.Helper()
				return client.Do(t.Context(), http.MethodGet, "/api/user/v9/things/t-1/access-details", nil, nil, nil)
			},
		} {
			t.Run(name+" to "+operation, func(t *testing.T) {
				t.Parallel()
				server, transport := frames.New(t, respond)
				client := dial(t, server.URL, apono.WithHTTPClient(&http.Client{Transport: transport}),
					apono.WithAttemptTimeout(5*time.Second)) // net/http would continue for minutes
				failure := apitest.ErrorAs[*apono.TransportError](t, read(t, client))
				assert.True(t, failure.MaybeSent)
				assert.Equal(t, 1, failure.Attempts)
				assert.EqualValues(t, 1, server.Requests.Load(), "HEADERS frames")
				assert.EqualValues(t, 1, server.Connections.Load())
				assert.Zero(t, server.Bodies.Load(), "gateways reject a GET with a body")
			})
		}
	}
}
