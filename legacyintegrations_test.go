package apono_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// legacyTime is 1696263265.851898001 in the fixtures. A float has no room for
// its last digits.
func legacyTime() time.Time { return time.Date(2023, 10, 2, 16, 14, 25, 851898001, time.UTC) }

func legacyAWS() apono.SecretConfigV2 {
	return apono.SecretConfigV2{"type": "AWS", "region": "eu-west-1", "secret_id": "orders/apono"}
}

// legacyOrders is what legacy/integration.json holds.
func legacyOrders() *apono.IntegrationV2 {
	return &apono.IntegrationV2{
		ID: "i1", Name: "Orders database", Type: "postgresql", Status: apono.IntegrationStatusV2Active,
		Details: apono.Ptr("4 resources loaded"), ProvisionerID: apono.Ptr("connector-1"),
		Connection:   map[string]any{"attempts": json.Number("3"), "hosts": []any{"a", map[string]any{"b": nil}}},
		LastSyncTime: apono.Ptr(legacyTime()),
		Metadata: map[string]any{
			"hostname": "orders.example.com", "port": json.Number("5432"), "weight": json.Number("12345678901234567890"),
			"ssl": map[string]any{"hosts": []any{"a", map[string]any{"b": "c"}}},
		},
		SecretConfig:           legacyAWS(),
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    apono.Ptr("Ask in #orders <first>."),
	}
}

// legacyDirectory is what legacy/integration_minimal.json holds. Its status is
// none of the constants.
func legacyDirectory() *apono.IntegrationV2 {
	return &apono.IntegrationV2{
		ID: "i2", Name: "Directory", Type: "google-idp", Status: "Paused", Metadata: map[string]any{}, ConnectedResourceTypes: []string{},
	}
}

func TestListLegacyIntegrations(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{
		"data": [` + fixture(t, "legacy/integration.json") + `,` + fixture(t, "legacy/integration_minimal.json") + `],
		"pagination": {"total": 9, "limit": 2, "offset": 4}
	}`})
	page, err := newClient(t, fake).Legacy.Integrations.List(t.Context(), apono.ListIntegrationsV2Options{Limit: 2, Skip: 4})
	check.NoError(t, err)
	check.Equal(t, page, &apono.OffsetPage[apono.IntegrationV2]{
		Items: []*apono.IntegrationV2{legacyOrders(), legacyDirectory()}, Total: 9, Limit: 2, Offset: 4,
	})
	sent(t, fake.Requests()[0], "GET", "/api/v2/integrations", "limit=2&skip=4", "")
}

func TestGetLegacyIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: fixture(t, "legacy/integration.json")}, script.Answer{Body: fixture(t, "legacy/integration_minimal.json")},
	)
	client := newClient(t, fake)
	for i, want := range []*apono.IntegrationV2{legacyOrders(), legacyDirectory()} {
		got, err := client.Legacy.Integrations.Get(t.Context(), "i/1 a")
		check.NoError(t, err)
		check.True(t, fmt.Sprint(got.SecretConfig.Reveal()) == fmt.Sprint(want.SecretConfig.Reveal()), "a config that can be read")
		check.Equal(t, got, want)
		sent(t, fake.Requests()[i], "GET", "/api/v2/integrations/i%2F1%20a", "", "")
	}
}

func TestCreateAndUpdateLegacyIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: fixture(t, "legacy/integration.json")}, script.Answer{Body: fixture(t, "legacy/integration_minimal.json")},
	)
	client := newClient(t, fake).Legacy.Integrations
	update := apono.UpdateIntegrationV2Input{
		Name: "Orders database", ProvisionerID: apono.Ptr("connector-1"),
		Metadata: map[string]any{
			"hostname": "orders.example.com", "port": 5432, "ssl": map[string]any{"hosts": []any{"a", map[string]string{"b": "c"}}},
		},
		SecretConfig:           legacyAWS(),
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    apono.Ptr("Ask in #orders <first>."),
	}
	got, err := client.Create(t.Context(), apono.CreateIntegrationV2Input{
		Name: update.Name, Type: "postgresql", ProvisionerID: update.ProvisionerID, Metadata: update.Metadata, SecretConfig: update.SecretConfig,
		ConnectedResourceTypes: update.ConnectedResourceTypes, CustomAccessDetails: update.CustomAccessDetails,
	})
	check.NoError(t, err)
	check.Equal(t, got, legacyOrders())
	body := fixture(t, "legacy/integration_update.json")
	sent(t, fake.Requests()[0], "POST", "/api/v2/integrations", "", strings.Replace(body, "{", `{"type": "postgresql",`, 1))
	got, err = client.Update(t.Context(), "i1", update)
	check.NoError(t, err)
	check.Equal(t, got, legacyDirectory())
	sent(t, fake.Requests()[1], "PUT", "/api/v2/integrations/i1", "", body)
}

// A required map that is sent as null is refused by the API, and what is empty
// and left out cannot clear what is set.
func TestLegacyIntegrationInputsAreSentWithoutNulls(t *testing.T) {
	t.Parallel()
	const empty = `"metadata": {}, "provisioner_id": "", "secret_config": {}, "connected_resource_types": [], "custom_access_details": ""}`
	for _, c := range []struct {
		create     apono.CreateIntegrationV2Input
		createBody string
		update     apono.UpdateIntegrationV2Input
		updateBody string
	}{
		{createBody: `{"name": "", "type": "", "metadata": {}}`, updateBody: `{"name": "", "metadata": {}}`},
		{
			apono.CreateIntegrationV2Input{
				ProvisionerID: apono.Ptr(""), SecretConfig: apono.SecretConfigV2{}, ConnectedResourceTypes: []string{}, CustomAccessDetails: apono.Ptr(""),
			},
			`{"name": "", "type": "", ` + empty,
			apono.UpdateIntegrationV2Input{
				ProvisionerID: apono.Ptr(""), SecretConfig: apono.SecretConfigV2{}, ConnectedResourceTypes: []string{}, CustomAccessDetails: apono.Ptr(""),
			},
			`{"name": "", ` + empty,
		},
	} {
		fake := script.New(t, script.Answer{Body: `{}`}, script.Answer{Body: `{}`})
		client := newClient(t, fake).Legacy.Integrations
		_, err := client.Create(t.Context(), c.create)
		check.NoError(t, err)
		_, err = client.Update(t.Context(), "i1", c.update)
		check.NoError(t, err)
		check.JSON(t, fake.Requests()[0].Body, c.createBody)
		check.JSON(t, fake.Requests()[1].Body, c.updateBody)
	}
}

func TestDeleteLegacyObjects(t *testing.T) {
	t.Parallel()
	for path, remove := range map[string]func(*apono.Legacy) error{
		"/api/v2/integrations/a%2Fb":   func(l *apono.Legacy) error { return l.Integrations.Delete(t.Context(), "a/b") },
		"/api/v1/access-flows/a%2Fb":   func(l *apono.Legacy) error { return l.AccessFlows.Delete(t.Context(), "a/b") },
		"/api/v1/access-bundles/a%2Fb": func(l *apono.Legacy) error { return l.AccessBundles.Delete(t.Context(), "a/b") },
	} {
		fake := script.New(t, script.Answer{Body: `{"message": "Deleted"}`})
		check.NoError(t, remove(newClient(t, fake).Legacy))
		sent(t, fake.Requests()[0], "DELETE", path, "", "")
	}
}

func TestEveryLegacyListReadsAllPages(t *testing.T) {
	t.Parallel()
	const selectable = "/api/v3/selectable-integrations"
	pages := func(items ...string) []string {
		const page = `{"data": [%s], "pagination": {"total": 3, "limit": 2, "offset": %d}, "allow_multiple": true}`
		return []string{fmt.Sprintf(page, items[0]+","+items[1], 0), fmt.Sprintf(page, items[2], 2)}
	}
	ids := pages(`{"id": "a"}`, `{"id": "b"}`, `{"id": "c"}`)
	for _, c := range []struct {
		path  string
		pages []string
		query string
		list  func(context.Context, *apono.Legacy) ([]string, error)
	}{
		{"/api/v2/integrations", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return names(l.Integrations.ListAll(ctx), func(i *apono.IntegrationV2) string { return i.ID })
		}},
		{"/api/v1/access-flows", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return names(l.AccessFlows.ListAll(ctx), func(f *apono.AccessFlowV1) string { return f.ID })
		}},
		{"/api/v1/access-bundles", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return names(l.AccessBundles.ListAll(ctx), func(b *apono.AccessBundleV1) string { return b.ID })
		}},
		{"/api/v2/users", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return names(l.Users.ListAll(ctx), func(u *apono.UserV2) string { return u.ID })
		}},
		{
			"/api/v3/access-requests", pages(`{"request_id": "a"}`, `{"request_id": "b"}`, `{"request_id": "c"}`), "&user_id=u1",
			func(ctx context.Context, l *apono.Legacy) ([]string, error) {
				return names(l.AccessRequests.ListAll(ctx, apono.ListAccessRequestsV3Options{UserID: "u1"}),
					func(r *apono.AccessRequestV3) string { return r.RequestID })
			},
		},
		{selectable, ids, "&user_id=u1", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return names(l.AccessRequests.ListAllSelectableIntegrations(ctx, apono.ListSelectableOptions{UserID: "u1"}),
				func(i *apono.SelectableIntegration) string { return i.ID })
		}},
		{selectable + "/i1/resource-types", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return names(l.AccessRequests.ListAllSelectableResourceTypes(ctx, "i1"), func(r *apono.SelectableResourceType) string { return r.ID })
		}},
		{selectable + "/i1/db/permissions", pages(`"a"`, `"b"`, `"c"`), "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			var all []string
			for name, err := range l.AccessRequests.ListAllSelectablePermissions(ctx, "i1", "db") {
				if err != nil {
					return all, err
				}
				all = append(all, name)
			}
			return all, nil
		}},
		{selectable + "/i1/db/resources", ids, "", func(ctx context.Context, l *apono.Legacy) ([]string, error) {
			return names(l.AccessRequests.ListAllSelectableResources(ctx, "i1", "db"), func(r *apono.SelectableResource) string { return r.ID })
		}},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Answer{Body: c.pages[0]}, script.Answer{Body: c.pages[1]})
			got, err := c.list(t.Context(), newClient(t, fake).Legacy)
			check.NoError(t, err)
			check.Equal(t, got, []string{"a", "b", "c"})
			sent(t, fake.Requests()[0], "GET", c.path, strings.TrimPrefix(c.query, "&"), "")
			sent(t, fake.Requests()[1], "GET", c.path, "skip=2"+c.query, "")
		})
	}
}

// An empty id would address the collection, two dots its parent, and an id with
// a slash another object.
func TestLegacyPathArgumentsAreOneSegmentEach(t *testing.T) {
	t.Parallel()
	type call func(l *apono.Legacy, arg string) error
	for path, c := range map[string]struct {
		arg  string
		call call
	}{
		"GET /api/v2/integrations/":    {"id", func(l *apono.Legacy, arg string) error { _, err := l.Integrations.Get(t.Context(), arg); return err }},
		"DELETE /api/v2/integrations/": {"id", func(l *apono.Legacy, arg string) error { return l.Integrations.Delete(t.Context(), arg) }},
		"PUT /api/v2/integrations/": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.Integrations.Update(t.Context(), arg, apono.UpdateIntegrationV2Input{})
			return err
		}},
		"GET /api/v1/access-flows/":    {"id", func(l *apono.Legacy, arg string) error { _, err := l.AccessFlows.Get(t.Context(), arg); return err }},
		"DELETE /api/v1/access-flows/": {"id", func(l *apono.Legacy, arg string) error { return l.AccessFlows.Delete(t.Context(), arg) }},
		"PATCH /api/v1/access-flows/": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessFlows.Update(t.Context(), arg, apono.UpdateAccessFlowV1Input{})
			return err
		}},
		"GET /api/v1/access-bundles/":    {"id", func(l *apono.Legacy, arg string) error { _, err := l.AccessBundles.Get(t.Context(), arg); return err }},
		"DELETE /api/v1/access-bundles/": {"id", func(l *apono.Legacy, arg string) error { return l.AccessBundles.Delete(t.Context(), arg) }},
		"PATCH /api/v1/access-bundles/": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessBundles.Update(t.Context(), arg, apono.UpdateAccessBundleV1Input{})
			return err
		}},
		"GET /api/v2/users/":           {"id", func(l *apono.Legacy, arg string) error { _, err := l.Users.Get(t.Context(), arg); return err }},
		"GET /api/v3/access-requests/": {"id", func(l *apono.Legacy, arg string) error { _, err := l.AccessRequests.Get(t.Context(), arg); return err }},
		"GET /api/v3/access-requests/*/access-details": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.GetAccessDetails(t.Context(), arg)
			return err
		}},
		"POST /api/v3/access-requests/*/reset": {"id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ResetCredentials(t.Context(), arg)
			return err
		}},
		"GET /api/v3/selectable-integrations/*/resource-types": {"integration_id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectableResourceTypes(t.Context(), arg)
			return err
		}},
		"GET /api/v3/selectable-integrations/*/db/permissions": {"integration_id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectablePermissions(t.Context(), arg, "db")
			return err
		}},
		"GET /api/v3/selectable-integrations/i1/*/permissions": {"resource_type", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectablePermissions(t.Context(), "i1", arg)
			return err
		}},
		"GET /api/v3/selectable-integrations/*/db/resources": {"integration_id", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectableResources(t.Context(), arg, "db")
			return err
		}},
		"GET /api/v3/selectable-integrations/i1/*/resources": {"resource_type", func(l *apono.Legacy, arg string) error {
			_, err := l.AccessRequests.ListSelectableResources(t.Context(), "i1", arg)
			return err
		}},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			for _, arg := range []string{"", ".", "..", "a\nb"} {
				err := c.call(newClient(t, noRequest(t)).Legacy, arg)
				check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err).Arg, c.arg)
			}
			fake := script.New(t, script.Answer{Body: `{"data": [], "pagination": {"total": 0, "limit": 0, "offset": 0}}`})
			check.NoError(t, c.call(newClient(t, fake).Legacy, "a/b?c#d%2F+@ .."))
			method, want, _ := strings.Cut(path, " ")
			before, after, _ := strings.Cut(want, "*")
			check.Equal(t, fake.Requests()[0].Method, method)
			check.Equal(t, fake.Requests()[0].Path, "/base"+before+"a%2Fb%3Fc%23d%252F+@%20.."+after)
			check.Equal(t, fake.Requests()[0].Query, "")
		})
	}
}

func TestLegacyConstantsAreTheWireTexts(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"Initializing":      string(apono.IntegrationStatusV2Initializing),
		"Refreshing":        string(apono.IntegrationStatusV2Refreshing),
		"Active":            string(apono.IntegrationStatusV2Active),
		"Error":             string(apono.IntegrationStatusV2Error),
		"Warning":           string(apono.IntegrationStatusV2Warning),
		"Disabled":          string(apono.IntegrationStatusV2Disabled),
		"user_request":      string(apono.AccessFlowTriggerTypeV1UserRequest),
		"automatic":         string(apono.AccessFlowTriggerTypeV1Automatic),
		"user":              string(apono.IdentityTypeV1User),
		"group":             string(apono.IdentityTypeV1Group),
		"context_attribute": string(apono.IdentityTypeV1ContextAttribute),
		"PENDING":           string(apono.AccessStatusV3Pending),
		"APPROVED":          string(apono.AccessStatusV3Approved),
		"REJECTED":          string(apono.AccessStatusV3Rejected),
		"GRANTED":           string(apono.AccessStatusV3Granted),
		"REVOKING":          string(apono.AccessStatusV3Revoking),
		"EXPIRED":           string(apono.AccessStatusV3Expired),
		"FAILED":            string(apono.AccessStatusV3Failed),
		"-1":                fmt.Sprint(apono.RevokeNeverV1),
	} {
		check.Equal(t, got, want)
	}
}

// The older API has times as numbers with nanoseconds. What reads them as floats
// loses digits, and what writes them with fewer is read as another time.
func TestLegacyTimesAreReadAndWrittenToTheNanosecond(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(t *testing.T, body string) (any, *time.Time){
		"last_sync_time": func(t *testing.T, body string) (any, *time.Time) {
			got, err := newClient(t, script.New(t, script.Answer{Body: body})).Legacy.Integrations.Get(t.Context(), "i1")
			check.NoError(t, err)
			return got, got.LastSyncTime
		},
		"created_date": func(t *testing.T, body string) (any, *time.Time) {
			got, err := newClient(t, script.New(t, script.Answer{Body: body})).Legacy.AccessFlows.Get(t.Context(), "f1")
			check.NoError(t, err)
			return got, &got.CreatedDate
		},
		"last_connected": func(t *testing.T, body string) (any, *time.Time) {
			got, err := newClient(t, script.New(t, script.Answer{Body: "[" + body + "]"})).Legacy.Connectors.List(t.Context())
			check.NoError(t, err)
			return *got[0], got[0].LastConnected
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for number, want := range map[string]struct {
				nanos int
				text  string
			}{
				"1696263265.851898000": {851898000, "1696263265.851898000"},
				"1696263265.000000001": {1, "1696263265.000000001"},
				"1696263265.005":       {5000000, "1696263265.005000000"},
				"1696263265":           {0, "1696263265.000000000"},
			} {
				model, at := read(t, fmt.Sprintf(`{%q: %s}`, name, number))
				check.Equal(t, *at, time.Date(2023, 10, 2, 16, 14, 25, want.nanos, time.UTC))
				data, err := json.Marshal(model)
				check.NoError(t, err)
				check.Contains(t, string(data)+",", fmt.Sprintf(`%q:%s`, name, want.text))
				check.Equal(t, strings.Count(string(data), name), 1)
			}
			for _, body := range []string{`{}`, fmt.Sprintf(`{%q: null}`, name)} {
				model, at := read(t, body)
				check.True(t, at == nil || name == "created_date" && at.IsZero(), "no time, got %v", at)
				data, err := json.Marshal(model)
				check.NoError(t, err)
				check.True(t, at != nil || !strings.Contains(string(data), name), "no time in %s", data)
			}
		})
	}
}

// A model that is kept as JSON must be good for reading it again.
func TestLegacyModelsMarshalAsTheyWereRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model any
		want  string
	}{
		{*legacyDirectory(), fixture(t, "legacy/integration_minimal.json")},
		{legacyFlow(), fixture(t, "legacy/access_flow.json")},
		{legacyConnectors()[0], `{"connector_id": "c1", "last_connected": 1696263265.851898001, "status": "Connected"}`},
		{*legacyConnectors()[1], `{"connector_id": "c2", "status": ""}`},
	} {
		data, err := json.Marshal(c.model)
		check.NoError(t, err)
		check.JSON(t, string(data), c.want)
	}
	data, err := json.Marshal(legacyOrders())
	check.NoError(t, err)
	var kept apono.IntegrationV2
	check.NoError(t, json.Unmarshal(data, &kept))
	want := *legacyOrders()
	want.SecretConfig = apono.SecretConfigV2{"type": "[redacted]", "region": "[redacted]", "secret_id": "[redacted]"}
	check.Equal(t, kept, want)
}

func legacyCredentials() apono.SecretConfigV2 {
	return apono.SecretConfigV2{"type": "APONO", "login": map[string]any{"password": "hunter2-<&>"}, "pin": "hunter2"}
}

// legacyPrintsNoPassword fails when hunter2 shows in what any of the values
// prints, as text or in hexadecimal.
func legacyPrintsNoPassword(t *testing.T, values map[string]any) {
	t.Helper()
	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, text := range formatted(value) {
				for _, hidden := range []string{"hunter2", "68756e74657232", "68756E74657232", "PANIC"} {
					check.True(t, !strings.Contains(text, hidden), "no %s with %s, got %s", hidden, way, text)
				}
			}
		})
	}
}

// The credentials of a customer's database end up in the logs of whoever prints
// an integration, or what it sends for one, while looking for a mistake.
func TestLegacyCredentialsArePrintedNowhere(t *testing.T) {
	t.Parallel()
	config := legacyCredentials()
	integration := apono.IntegrationV2{ID: "i1", SecretConfig: config}
	create, update := apono.CreateIntegrationV2Input{SecretConfig: config}, apono.UpdateIntegrationV2Input{SecretConfig: config}
	legacyPrintsNoPassword(t, map[string]any{
		"config": config, "*config": &config, "[]config": []apono.SecretConfigV2{config}, "map": map[string]any{"in": &update},
		"integration": integration, "*integration": &integration, "page": &apono.OffsetPage[apono.IntegrationV2]{Items: []*apono.IntegrationV2{&integration}},
		"create": create, "*create": &create, "update": update, "*update": &update,
	})
}

// What is left must still tell which credentials there are, or nobody can see
// from a log that one is missing.
func TestLegacyCredentialsPrintTheirNames(t *testing.T) {
	t.Parallel()
	for way, text := range formatted(legacyCredentials()) {
		check.True(t, strings.Contains(text, "pin") && strings.Contains(text, "[redacted]"), "the name with %s, got %s", way, text)
	}
	check.Equal(t, fmt.Sprintf("%v %+v", apono.SecretConfigV2{"pin": 1}, apono.SecretConfigV2(nil)), "map[pin:[redacted]] map[]")
	data, err := json.Marshal([]any{legacyCredentials(), apono.SecretConfigV2(nil)})
	check.NoError(t, err)
	check.JSON(t, string(data), `[{"type": "[redacted]", "login": "[redacted]", "pin": "[redacted]"}, null]`)
}

func TestRevealGivesTheLegacyCredentials(t *testing.T) {
	t.Parallel()
	config := legacyCredentials()
	revealed := config.Reveal()
	check.Equal(t, fmt.Sprint(revealed), "map[login:map[password:hunter2-<&>] pin:hunter2 type:APONO]")
	login, _ := revealed["login"].(map[string]any)
	login["password"] = "edited"
	clear(revealed)
	check.Equal(t, fmt.Sprint(config.Reveal()), "map[login:map[password:hunter2-<&>] pin:hunter2 type:APONO]")
	check.Equal(t, apono.SecretConfigV2(nil).Reveal(), nil)

	for fixtureName, integration := range map[string]*apono.IntegrationV2{
		"legacy/integration.json": legacyOrders(), "legacy/integration_minimal.json": legacyDirectory(),
	} {
		data, err := json.Marshal(integration.Reveal())
		check.NoError(t, err)
		check.JSON(t, string(data), fixture(t, fixtureName))
	}
}

// Credentials that are sent as they print would set every password to the same
// word in brackets, and lock the connector out.
func TestRequestsCarryTheLegacyCredentials(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{}`}, script.Answer{Body: `{}`}, script.Answer{Body: `{}`})
	client := newClient(t, fake)
	_, err := client.Legacy.Integrations.Create(t.Context(), apono.CreateIntegrationV2Input{SecretConfig: legacyCredentials()})
	check.NoError(t, err)
	_, err = client.Legacy.Integrations.Update(t.Context(), "i1", apono.UpdateIntegrationV2Input{SecretConfig: legacyCredentials()})
	check.NoError(t, err)
	check.NoError(t, client.Do(t.Context(), "PUT", "/api/v9/stores/s1", nil, map[string]any{"secret_config": legacyCredentials()}, nil))
	const config = `"secret_config":{"login":{"password":"hunter2-<&>"},"pin":"hunter2","type":"APONO"}}`
	check.Equal(t, fake.Requests()[0].Body, `{"name":"","type":"","metadata":{},`+config)
	check.Equal(t, fake.Requests()[1].Body, `{"name":"","metadata":{},`+config)
	check.Equal(t, fake.Requests()[2].Body, `{`+config)
}

// A program that has an integration and no input for it may send the
// integration itself.
func TestRequestsCarryTheCredentialsOfAWholeLegacyIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{}`})
	in := apono.IntegrationV2{SecretConfig: legacyCredentials()}
	check.NoError(t, newClient(t, fake).Do(t.Context(), "PUT", "/api/v2/integrations/i1", nil, in, nil))
	check.Lacks(t, fake.Requests()[0].Body, "[redacted]")
}

// Whoever keeps integrations as JSON keeps them without credentials. Writing
// them back would make the mask the password.
func TestMaskedLegacyCredentialsAreNotSent(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(legacyCredentials())
	check.NoError(t, err)
	var config apono.SecretConfigV2
	check.NoError(t, json.Unmarshal(data, &config))
	client := newClient(t, noRequest(t)).Legacy.Integrations
	_, createErr := client.Create(t.Context(), apono.CreateIntegrationV2Input{SecretConfig: config})
	_, updateErr := client.Update(t.Context(), "i1", apono.UpdateIntegrationV2Input{SecretConfig: config})
	for _, err := range []error{createErr, updateErr} {
		check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err), &apono.ArgumentError{
			Arg:    "in.SecretConfig",
			Reason: "it holds [redacted]: it comes from a printed or marshaled object, which has no credentials",
		})
	}
}

// A field without a tag is sent under its Go name, which the API ignores: the
// filter filters nothing, and the member is lost.
func TestEveryFieldOfTheLegacyTypesIsTagged(t *testing.T) {
	t.Parallel()
	tagged(t, "url",
		reflect.TypeFor[apono.ListIntegrationsV2Options](), reflect.TypeFor[apono.ListAccessFlowsV1Options](),
		reflect.TypeFor[apono.ListAccessBundlesV1Options](), reflect.TypeFor[apono.ListUsersV2Options](),
		reflect.TypeFor[apono.ListAccessRequestsV3Options](), reflect.TypeFor[apono.ListSelectableOptions](),
	)
	tagged(t, "json",
		reflect.TypeFor[apono.IntegrationV2](), reflect.TypeFor[apono.CreateIntegrationV2Input](), reflect.TypeFor[apono.UpdateIntegrationV2Input](),
		reflect.TypeFor[apono.AccessFlowV1](), reflect.TypeFor[apono.CreateAccessFlowV1Input](), reflect.TypeFor[apono.UpdateAccessFlowV1Input](),
		reflect.TypeFor[apono.AccessFlowTriggerV1](), reflect.TypeFor[apono.TimeframeV1](), reflect.TypeFor[apono.AccessFlowSettingsV1](),
		reflect.TypeFor[apono.GranteeV1](), reflect.TypeFor[apono.ApproverV1](), reflect.TypeFor[apono.AccessTargetIntegrationV1](),
		reflect.TypeFor[apono.TagV1](), reflect.TypeFor[apono.AccessTargetBundleV1](), reflect.TypeFor[apono.AccessBundleV1](),
		reflect.TypeFor[apono.CreateAccessBundleV1Input](), reflect.TypeFor[apono.UpdateAccessBundleV1Input](),
		reflect.TypeFor[apono.ConnectorV2](), reflect.TypeFor[apono.UserV2](), reflect.TypeFor[apono.AccessRequestV3](),
		reflect.TypeFor[apono.CreateAccessRequestV3Input](), reflect.TypeFor[apono.AccessDetailsV3](), reflect.TypeFor[apono.SelectableIntegration](),
		reflect.TypeFor[apono.SelectableResourceType](), reflect.TypeFor[apono.SelectableResource](),
	)
}
