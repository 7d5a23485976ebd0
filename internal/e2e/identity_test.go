package e2e_test

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/wire"
	"github.com/stretchr/testify/require"
)

// callAll calls every method with a body as the response, and returns their number.
// Methods whose response has no object and methods that call others are left out.
func callAll(t *testing.T, body string, check func(name string, results []any)) int {
	t.Helper()
	client, err := apono.NewClient(apitest.Token, apono.WithHTTPClient(&http.Client{Transport: &sameBody{body: []byte(body)}}), apitest.Quickly)
	require.NoError(t, err)
	calls := 0
	for name, method := range methodsOf(client) {
		withoutObject := method.Type().NumOut() == 1 && method.Type().Out(0).Kind() == reflect.Interface
		repeated := strings.HasSuffix(name, ".GetByName") || strings.HasSuffix(name, ".WaitFor") || strings.HasSuffix(name, ".Acquire") || strings.HasSuffix(name, ".Adopt")
		if withoutObject || repeated {
			continue
		}
		calls++
		check(name, invoke(t.Context(), method))
	}
	return calls
}

// Zero values must not be mistaken for data: an update would send them.
func TestObjectsWithoutIdentityAreDecodeErrors(t *testing.T) {
	t.Parallel()
	const whole = `{"id":"x","request_id":"x","identity_id":"x","connector_id":"x","type":"x","email":"x","resource":{"id":"x"},"summary":{},"tags":{},"message":"x","details":"x","cli":"x"}`
	other := strings.NewReplacer(`"id"`, `"Id"`, `"request_id"`, `"requestId"`, `"identity_id"`, `"IDENTITY_ID"`, `"connector_id"`, `"connectorId"`, `"type"`, `"Type"`, `"email"`, `"Email"`,
		`"resource"`, `"RESOURCE"`, `"summary"`, `"Summary"`, `"tags"`, `"Tags"`, `"message"`, `"Message"`, `"details"`, `"Details"`, `"cli"`, `"CLI"`).Replace(whole)
	empty := `{"id":"","request_id":"","identity_id":"","connector_id":"","type":"","email":"","resource":{}}`
	for _, object := range []string{`{}`, `{"error":"maintenance"}`, `{"data":` + whole + `}`, other, empty} {
		for _, body := range []string{
			object, `[` + object + `]`,
			`{"items":[` + object + `],"pagination":{}}`, `{"data":[` + object + `],"pagination":{"total":1}}`,
		} {
			calls := callAll(t, body, func(name string, results []any) {
				if strings.HasPrefix(name, "Activity.") { // no member identifies a row
					return
				}
				err, _ := results[len(results)-1].(error)
				if !errors.As(err, new(*apono.ArgumentError)) {
					require.ErrorAsf(t, err, new(*apono.DecodeError), "%s with %s", name, body)
				}
			})
			require.Greater(t, calls, 90)
		}
	}
}

// FuzzIdentity decodes any bytes as objects and lists. No result may lack what identifies
// it.
func FuzzIdentity(f *testing.F) {
	for _, object := range []string{
		`{"id":"i-1"}`, `{"Id":"i-1","ID":"i-2"}`, `{"id":null}`, `{"id":"","name":"x"}`, `{"data":{"id":"i-1"}}`, `{"message":"maintenance"}`, `{"id":"a","id":""}`,
		`{"type":"x"}`, `{"email":"x"}`, `{"resource":{"id":""}}`, `{}`, `null`,
	} {
		f.Add([]byte(object))
		f.Add([]byte(`[` + object + `]`))
		f.Add([]byte(`{"items":[` + object + `],"data":[` + object + `],"pagination":{"total":1}}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		client, err := apono.NewClient(apitest.Token, apono.WithHTTPClient(&http.Client{Transport: &sameBody{body: body}}), apitest.Quickly)
		require.NoError(t, err)
		if flow, err := client.AccessFlows.Get(t.Context(), "x"); err == nil {
			require.NotEmpty(t, flow.ID)
		}
		if entry, err := client.Integrations.GetCatalogEntry(t.Context(), "x"); err == nil {
			require.NotEmpty(t, entry.Type)
		}
		if requests, err := client.AccessRequests.RequestAgain(t.Context(), "x", apono.RequestAgainInput{}); err == nil {
			for _, request := range requests {
				require.NotEmpty(t, request.ID)
			}
		}
		if page, err := client.AvailableAccess.ListEntitlements(t.Context()); err == nil {
			for _, item := range page.Items {
				require.NotEqual(t, apono.EntitlementResource{}, item.Resource)
			}
		}
		if page, err := client.Identities.List(t.Context()); err == nil {
			for _, item := range page.Items {
				require.NotEmpty(t, item.ID)
			}
		}
		if details, err := client.Sessions.GetAccessDetails(t.Context(), "x"); err == nil {
			var object map[string]any
			require.NoError(t, wire.Unmarshal(body, &object))
			require.True(t, details != nil && slices.ContainsFunc([]string{"instructions", "custom_admin_message", "parameters", "cli", "link"}, func(name string) bool {
				_, ok := object[name]
				return ok
			}))
		}
	})
}
