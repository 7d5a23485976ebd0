package apono_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
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
		Instructions:       "Connect with hunter2-a",
		CustomAdminMessage: new("Be careful with hunter2-b"),
		Parameters:         apono.Secrets{"username": "ann", "password": "hunter2-c<&>"},
		CLI:                new("psql postgres://ann:hunter2-d@orders.example.com/orders"),
		Link:               &apono.Link{URL: "https://console.example.com/?signin=hunter2-e", Title: new("Console of hunter2-f")},
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
		require.Equal(t, want.Instructions, got.Instructions, "the fields must be readable")
		require.Equal(t, want.Parameters["password"], got.Parameters["password"], "the fields must be readable")
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

func TestAccessDetailsPrintNoPassword(t *testing.T) {
	t.Parallel()
	details := ordersDetails()
	type embedding struct{ apono.AccessSessionDetails }
	type pointing struct{ *apono.AccessSessionDetails }
	for name, value := range map[string]any{
		"value": *details, "pointer": details, "pointer to a pointer": &details,
		"in a struct":       struct{ D apono.AccessSessionDetails }{*details},
		"by a struct":       struct{ D *apono.AccessSessionDetails }{details},
		"behind any":        &struct{ D any }{*details},
		"embedded":          embedding{*details},
		"embedded pointer":  pointing{details},
		"slice":             []apono.AccessSessionDetails{*details},
		"slice of pointers": []*apono.AccessSessionDetails{details, nil},
		"map":               map[string]apono.AccessSessionDetails{"s1": *details},
		"map of pointers":   map[string]*apono.AccessSessionDetails{"s1": details},
		"nested":            map[string]any{"sessions": []any{map[string]any{"details": details}, struct{ D []apono.AccessSessionDetails }{[]apono.AccessSessionDetails{*details}}}},
		"parameters":        details.Parameters,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, text := range formatted(value) {
				for _, hidden := range []string{"hunter2", "68756e74657232", "68756E74657232", "PANIC"} {
					require.NotContainsf(t, text, hidden, "no %s with %s", hidden, way)
				}
			}
		})
	}
}

func TestAccessDetailsPrintRedacted(t *testing.T) {
	t.Parallel()
	for way, text := range formatted(ordersDetails()) {
		require.Containsf(t, text, "[redacted]", "%s must print [redacted]", way)
	}
	require.Equal(t, any("[redacted]"), slog.AnyValue(ordersDetails()).Resolve().Any()) // with any handler
	data, err := json.Marshal(map[string]any{"details": *ordersDetails()})
	require.NoError(t, err)
	require.Equal(t, `{"details":"[redacted]"}`, string(data))
}

func TestNilAccessDetailsPrintAsNil(t *testing.T) {
	t.Parallel()
	var none *apono.AccessSessionDetails
	for way, text := range formatted(none) {
		lower := strings.ToLower(text)
		require.NotContainsf(t, lower, "panic", "%s of a nil pointer printed %s", way, text)
		require.NotContainsf(t, lower, "redacted", "%s of a nil pointer printed %s", way, text)
		require.Truef(t, strings.Contains(lower, "nil") || strings.Contains(lower, "null"), "%s of a nil pointer printed %s", way, text)
	}
}

func TestAccessDetailsReveal(t *testing.T) {
	t.Parallel()
	details := ordersDetails()
	revealed := details.Reveal()
	data, err := json.Marshal(revealed)
	require.NoError(t, err)
	apitest.JSONEq(t, apitest.Fixture(t, "sessions/details.json"), string(data))
	for _, secret := range []string{"hunter2-a", "hunter2-b", "hunter2-c<&>", "hunter2-d", "hunter2-e", "hunter2-f"} {
		require.Contains(t, fmt.Sprint(revealed), secret)
	}
	data, err = json.Marshal(apono.AccessSessionDetails{Parameters: apono.Secrets{}, CLI: new(""), Link: &apono.Link{}}.Reveal())
	require.NoError(t, err)
	apitest.JSONEq(t, `{"instructions": "", "parameters": {}, "cli": "", "link": {"url": ""}}`, string(data))
	data, err = json.Marshal(apono.AccessSessionDetails{}.Reveal())
	require.NoError(t, err)
	apitest.JSONEq(t, `{"instructions": ""}`, string(data))
}

func TestEditingRevealedAccessDetailsDoesNotChangeDetails(t *testing.T) {
	t.Parallel()
	details := ordersDetails()
	revealed := details.Reveal()
	parameters, _ := revealed["parameters"].(map[string]string)
	parameters["password"] = "edited"
	link, ok := revealed["link"].(map[string]any)
	require.Truef(t, ok, "expected the link as a map, got %T", revealed["link"])
	link["url"], link["title"] = "edited", "edited"
	clear(revealed)
	require.Equal(t, fmt.Sprint(ordersDetails().Reveal()), fmt.Sprint(details.Reveal()), "the details must not change")
}

// A response that cannot be decoded may contain a password.
func TestDecodeErrorTextOfAccessDetailsHidesBody(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a string without quotes":  `{"parameters": {"password": hunter2}}`,
		"a number for a string":    `{"parameters": {"pin": 104117110}}`,
		"an array for an object":   `{"parameters": [{"password": "hunter2"}]}`,
		"a string for an object":   `{"link": "https://console.example.com/?signin=hunter2"}`,
		"an object for a string":   `{"cli": {"hunter2": "hunter2"}}`,
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
			require.ErrorContains(t, err, "apono: GET /api/user/v1/access-sessions/{id}/access-details: 200 OK with a body that cannot be used: ")
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "104117110")
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
