package apono_test

import (
	"io"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const accessDetailsPath = "/api/user/v1/access-sessions/s1/access-details"

// ordersSession returns the object in sessions/session.json.
func ordersSession() *apono.AccessSession {
	return &apono.AccessSession{
		ID: "s1", Name: "orders (read)", RequestIDs: []string{"ar-1", "ar-2"},
		Integration:       apono.Ref{ID: "i1", Name: "Orders database"},
		CredentialsStatus: apono.CredentialsStatusAvailable, CanResetCredentials: true,
	}
}

// ordersDetails returns the object in sessions/details.json.
func ordersDetails() *apono.AccessSessionDetails {
	return &apono.AccessSessionDetails{
		Instructions:       apono.NewSecret("Connect with hunter2-a"),
		CustomAdminMessage: new("Be careful with hunter2-b"),
		Parameters:         map[string]apono.Secret{"username": apono.NewSecret("ann"), "password": apono.NewSecret("hunter2-c<&>")},
		CLI:                new(apono.NewSecret("psql postgres://ann:hunter2-d@orders.example.com/orders")),
		Link:               &apono.Link{URL: apono.NewSecret("https://console.example.com/?signin=hunter2-e"), Title: new("Console of hunter2-f")},
	}
}

func TestListSessions(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"items": [` + apitest.Fixture(t, "sessions/session.json") + `], "pagination": {"next_page_token": "t2"}}`})
	page, err := apitest.NewClient(t, fake).Sessions.List(t.Context(), apono.ListSessionsOptions{
		Limit: 20, IntegrationID: []string{"i1", "i2"}, RequestIDs: []string{"ar-1", "ar-2"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.AccessSession]{Items: []*apono.AccessSession{ordersSession()}, NextPageToken: "t2"}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/user/v1/access-sessions", "integration_id=i1&integration_id=i2&limit=20&request_ids=ar-1&request_ids=ar-2", "")
}

func TestGetSession(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "sessions/session.json")})
	got, err := apitest.NewClient(t, fake).Sessions.Get(t.Context(), "s/1 a")
	require.NoError(t, err)
	require.Equal(t, ordersSession(), got)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/user/v1/access-sessions/s%2F1%20a", "", "")
}

func TestGetAccessDetails(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "sessions/details.json")}, script.Response{Body: `{"instructions": ""}`})
	client := apitest.NewClient(t, fake)
	for i, want := range []*apono.AccessSessionDetails{ordersDetails(), {}} {
		got, err := client.Sessions.GetAccessDetails(t.Context(), "s1")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", accessDetailsPath, "", "")
	}
}

func TestResetCredentials(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"message": "Resetting"}`})
	got, err := apitest.NewClient(t, fake).Sessions.ResetCredentials(t.Context(), "s1")
	require.NoError(t, err)
	require.Equal(t, &apono.Message{Message: "Resetting"}, got)
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/user/v1/access-sessions/s1/reset-credentials", "", "")
}

func TestReadOnlyClientRejectsAccessDetails(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, apitest.NoRequest(t), apono.WithReadOnly())
	_, err := client.Sessions.GetAccessDetails(t.Context(), "s1")
	require.ErrorIs(t, err, apono.ErrReadOnly)
	for _, path := range []string{accessDetailsPath, "/api/user/v1/access%2Dsessions/s1/access%2ddetails", "/api/user/v1/access-sessions/s%2F1/access-details"} {
		require.ErrorIs(t, client.Do(t.Context(), "GET", path, nil, nil, new(map[string]any)), apono.ErrReadOnly)
	}
}

// A response that cannot be decoded may contain a password.
func TestDecodeErrorTextOfAccessDetailsHidesBody(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a string without quotes":  `{"parameters": {"password": hunter2}}`,
		"an array for an object":   `{"parameters": [{"password": "hunter2"}]}`,
		"a string for an object":   `{"link": "https://console.example.com/?signin=hunter2"}`,
		"an object for a string":   `{"custom_admin_message": {"hunter2": "hunter2"}}`,
		"a string":                 `"hunter2"`,
		"not JSON":                 `hunter2`,
		"text after the object":    `{"instructions": "hunter2"} hunter2`,
		"a truncated object":       `{"instructions": "hunter2`,
		"an invalid escape":        `{"instructions": "hunter2\hunter2"}`,
		"a line break in a string": "{\"instructions\": \"hunter2\nhunter2\"}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := apitest.NewClient(t, script.New(t, script.Response{Body: body})).Sessions.GetAccessDetails(t.Context(), "s1")
			require.Equal(t, body, string(apitest.ErrorAs[*apono.DecodeError](t, err).Body))
			require.ErrorContains(t, err, "apono: GET /api/user/v1/access-sessions/{id}/access-details: 200 OK, but the body is unusable: ")
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// The error keeps the body, because a one-time password cannot be read again, but must
// not print it.
func TestDecodeErrorOfAccessDetailsPrintsNoBody(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"instructions": "hunter2`, BodyErr: io.ErrUnexpectedEOF})
	_, err := apitest.NewClient(t, fake).Sessions.GetAccessDetails(t.Context(), "s1")
	broken := apitest.ErrorAs[*apono.DecodeError](t, err)
	for name, value := range map[string]any{
		"error": err, "value": *broken, "in a struct": struct{ Err error }{err}, "in a map": map[string]any{"error": err},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, text := range formatted(value) {
				// As text, in hexadecimal and decimal bytes, and in base64.
				for _, hidden := range []string{"hunter2", "68756e7465", "68756E7465", "0x68, 0x75", "104 117", "eyJpbnN0cnVjdGlvbnMiOiAiaHVudGVyM"} {
					assert.NotContainsf(t, text, hidden, "%s prints the password as %s in %s", way, hidden, text)
				}
			}
		})
	}
}
