package apono_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// ordersDatabase returns the object in integrations/integration.json.
func ordersDatabase() *apono.Integration {
	return &apono.Integration{
		ID:           "6f1c2a44-9c1e-4f57-8f7a-0d5c2b7f9e10",
		Name:         "Orders database",
		Type:         "postgresql",
		Category:     apono.IntegrationCategoryResources,
		ConnectorID:  new("connector-1"),
		Status:       apono.IntegrationStatusActive,
		LastSyncTime: new(time.Date(2026, 3, 5, 7, 8, 9, 123456789, time.UTC)),
		IntegrationConfig: map[string]any{
			"hostname": "orders.example.com", "port": "5432",
			"ssl": map[string]any{"mode": "verify-full", "hosts": []any{"a", map[string]any{"b": "c"}}},
		},
		SecretStoreConfig:      &apono.SecretStoreConfig{AWS: &apono.AWSSecretConfig{Region: "eu-west-1", SecretID: "orders/apono"}},
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    new("Ask in #orders <first>."),
		Owner: &apono.Owner{
			AttributeType: "group", AttributeValue: []string{"group-7", "group-8"},
			SourceIntegrationID: new("idp-1"), SourceIntegrationName: new("Okta"),
		},
		OwnersMapping: &apono.OwnersMapping{
			KeyName: "team", AttributeType: "department",
			SourceIntegrationID: new("idp-2"), SourceIntegrationName: new("Entra"),
		},
	}
}

// directory returns the object in integrations/integration_minimal.json.
func directory() *apono.Integration {
	return &apono.Integration{
		ID: "i2", Name: "Directory", Type: "google-idp", Category: apono.IntegrationCategoryUserInformation,
		Status: apono.IntegrationStatusError, IntegrationConfig: map[string]any{},
	}
}

func postgresEntry() *apono.CatalogEntry {
	return &apono.CatalogEntry{
		Name: "PostgreSQL", Type: "postgresql", Description: "A PostgreSQL server",
		Params: []apono.CatalogParam{
			{ID: "hostname", Label: "Host name", Values: []string{}},
			{ID: "sslmode", Label: "SSL mode", Values: []string{"require", "disable"}, Default: "require", Optional: true},
		},
		RequiresSecret: true, SupportedSecretTypes: []apono.SecretStoreType{apono.SecretStoreTypeAWS, apono.SecretStoreTypeHashicorpVault},
	}
}

func TestListIntegrations(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{
		"items": [` + apitest.Fixture(t, "integrations/integration.json") + `,` + apitest.Fixture(t, "integrations/integration_minimal.json") + `],
		"pagination": {"next_page_token": "t2"}
	}`})
	page, err := apitest.NewClient(t, fake).Integrations.List(t.Context(), apono.ListIntegrationsOptions{
		Limit: 50, Name: "*orders*", Type: []string{"aws-account", "postgres*"},
		Category:    []apono.IntegrationCategory{apono.IntegrationCategoryResources, apono.IntegrationCategoryUserInformation},
		Status:      []apono.IntegrationStatus{apono.IntegrationStatusActive, "WARNING"},
		ConnectorID: []string{"c1", "c2"},
	})
	require.NoError(t, err)
	require.Equal(t, &apono.Page[apono.Integration]{Items: []*apono.Integration{ordersDatabase(), directory()}, NextPageToken: "t2"}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/admin/v4/integrations", "category=RESOURCES&category=USER-INFORMATION&"+
		"connector_id=c1&connector_id=c2&limit=50&name=%2Aorders%2A&status=ACTIVE&status=WARNING&type=aws-account&type=postgres%2A", "")
}

func TestGetIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "integrations/integration.json")},
		script.Response{Body: apitest.Fixture(t, "integrations/integration_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	for i, want := range []*apono.Integration{ordersDatabase(), directory()} {
		got, err := client.Integrations.Get(t.Context(), "i1")
		require.NoError(t, err)
		require.Equal(t, want, got)
		apitest.Sent(t, fake.Requests()[i], "GET", "/api/admin/v4/integrations/i1", "", "")
	}
}

func TestCreateAndUpdateIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "integrations/integration.json")},
		script.Response{Body: apitest.Fixture(t, "integrations/integration_minimal.json")},
	)
	client := apitest.NewClient(t, fake)
	update := apono.UpdateIntegrationInput{
		Name:        "Orders database",
		ConnectorID: new("connector-1"),
		IntegrationConfig: map[string]any{
			"hostname": "orders.example.com", "port": "5432",
			"ssl": map[string]any{"mode": "verify-full", "hosts": []any{"a", map[string]string{"b": "c"}}},
		},
		SecretStoreConfig:      &apono.SecretStoreConfig{AWS: &apono.AWSSecretConfig{Region: "eu-west-1", SecretID: "orders/apono"}},
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    new("Ask in #orders <first>."),
		Owner: &apono.OwnerInput{
			AttributeType: "group", AttributeValue: []string{"group-7", "group-8"}, SourceIntegrationReference: new("idp-1"),
		},
		OwnersMapping: &apono.OwnersMappingInput{
			KeyName: "team", AttributeType: "department", SourceIntegrationReference: new("idp-2"),
		},
	}
	got, err := client.Integrations.Create(t.Context(), apono.CreateIntegrationInput{
		Name:                   update.Name,
		Type:                   "postgresql",
		ConnectorID:            update.ConnectorID,
		IntegrationConfig:      update.IntegrationConfig,
		SecretStoreConfig:      update.SecretStoreConfig,
		ConnectedResourceTypes: update.ConnectedResourceTypes,
		CustomAccessDetails:    update.CustomAccessDetails,
		Owner:                  update.Owner,
		OwnersMapping:          update.OwnersMapping,
	})
	require.NoError(t, err)
	require.Equal(t, ordersDatabase(), got)
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/admin/v4/integrations", "", apitest.Fixture(t, "integrations/create.json"))
	got, err = client.Integrations.Update(t.Context(), "i1", update)
	require.NoError(t, err)
	require.Equal(t, directory(), got)
	apitest.Sent(t, fake.Requests()[1], "PUT", "/api/admin/v4/integrations/i1", "", apitest.Fixture(t, "integrations/update.json"))
}

// The API rejects null for required arrays and maps. Empty members must be sent, because
// they clear values.
func TestIntegrationInputsAreSentWithoutNulls(t *testing.T) {
	t.Parallel()
	type service = apono.IntegrationsService
	create := func(in apono.CreateIntegrationInput) func(context.Context, *service) error {
		return func(ctx context.Context, s *service) error { _, err := s.Create(ctx, in); return err }
	}
	update := func(in apono.UpdateIntegrationInput) func(context.Context, *service) error {
		return func(ctx context.Context, s *service) error { _, err := s.Update(ctx, "i1", in); return err }
	}
	setTags := func(in apono.UpdateResourceTagsInput) func(context.Context, *service) error {
		return func(ctx context.Context, s *service) error { _, err := s.UpdateResourceTags(ctx, "r1", in); return err }
	}
	for _, c := range []struct {
		name string
		call func(context.Context, *service) error
		body string
	}{
		{"zero create", create(apono.CreateIntegrationInput{}), `{"name":"","type":"","integration_config":{}}`},
		{"zero update", update(apono.UpdateIntegrationInput{}), `{"name":"","integration_config":{}}`},
		{"zero tags", setTags(apono.UpdateResourceTagsInput{}), `{"tags":{}}`},
		{
			"empty members in create",
			create(apono.CreateIntegrationInput{
				ConnectorID: new(""), ConnectedResourceTypes: []string{}, CustomAccessDetails: new(""),
				Owner: &apono.OwnerInput{}, OwnersMapping: &apono.OwnersMappingInput{},
				SecretStoreConfig: &apono.SecretStoreConfig{Apono: &apono.SecretConfig{}},
			}),
			`{
				"name": "", "type": "", "integration_config": {},
				"connector_id": "", "connected_resource_types": [], "custom_access_details": "",
				"owner": {"attribute_type": "", "attribute_value": []},
				"owners_mapping": {"key_name": "", "attribute_type": ""},
				"secret_store_config": {"apono": {"parameters": {}}}
			}`,
		},
		{
			"empty members in update",
			update(apono.UpdateIntegrationInput{
				ConnectorID: new(""), ConnectedResourceTypes: []string{}, CustomAccessDetails: new(""),
				Owner: &apono.OwnerInput{SourceIntegrationReference: new("")}, OwnersMapping: &apono.OwnersMappingInput{},
			}),
			`{
				"name": "", "integration_config": {},
				"connector_id": "", "connected_resource_types": [], "custom_access_details": "",
				"owner": {"attribute_type": "", "attribute_value": [], "source_integration_reference": ""},
				"owners_mapping": {"key_name": "", "attribute_type": ""}
			}`,
		},
		{
			"false, zero and null in the config",
			create(apono.CreateIntegrationInput{IntegrationConfig: map[string]any{"a": false, "b": 0, "c": nil, "d": ""}}),
			`{"name":"","type":"","integration_config":{"a":false,"b":0,"c":null,"d":""}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: apitest.AnyObject})
			require.NoError(t, c.call(t.Context(), apitest.NewClient(t, fake).Integrations))
			apitest.JSONEq(t, c.body, fake.Requests()[0].Body)
		})
	}
}

func TestDeleteIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Status: 204})
	require.NoError(t, apitest.NewClient(t, fake).Integrations.Delete(t.Context(), "i1"))
	apitest.Sent(t, fake.Requests()[0], "DELETE", "/api/admin/v4/integrations/i1", "", "")
}

func TestRefreshIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: `{"message":"Refresh started"}`})
	got, err := apitest.NewClient(t, fake).Integrations.Refresh(t.Context(), "i1")
	require.NoError(t, err)
	require.Equal(t, &apono.Message{Message: "Refresh started"}, got)
	apitest.Sent(t, fake.Requests()[0], "POST", "/api/v2/integrations/i1/refresh", "", "")
}

func TestListCatalog(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: `{"data":[` + apitest.Fixture(t, "integrations/catalog_entry.json") + `],"pagination":{"total":31,"limit":1,"offset":30}}`},
		script.Response{Body: `{"data":[],"pagination":{"total":0,"limit":100,"offset":0}}`},
	)
	client := apitest.NewClient(t, fake)
	page, err := client.Integrations.ListCatalog(t.Context(), apono.ListCatalogOptions{Limit: 1, Skip: 30})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.CatalogEntry]{Items: []*apono.CatalogEntry{postgresEntry()}, Total: 31, Limit: 1, Offset: 30}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v2/integrations-catalog", "limit=1&skip=30", "")
	page, err = client.Integrations.ListCatalog(t.Context())
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.CatalogEntry]{Items: []*apono.CatalogEntry{}, Limit: 100}, page)
	apitest.Sent(t, fake.Requests()[1], "GET", "/api/v2/integrations-catalog", "", "")
}

func TestGetCatalogEntry(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "integrations/catalog_entry.json")})
	got, err := apitest.NewClient(t, fake).Integrations.GetCatalogEntry(t.Context(), "postgresql")
	require.NoError(t, err)
	require.Equal(t, postgresEntry(), got)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v2/integrations-catalog/postgresql", "", "")
}

func TestListPermissions(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "integrations/permissions.json")})
	page, err := apitest.NewClient(t, fake).Integrations.ListPermissions(t.Context(), "i1",
		apono.ListPermissionsOptions{Limit: 2, Skip: 10, ResourceType: "postgresql-database"})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.Permission]{
		Items: []*apono.Permission{
			{ID: "p1", Name: "READ_ONLY", ResourceType: "postgresql-database"},
			{ID: "p2", Name: "ADMIN", ResourceType: "postgresql-table"},
		},
		Total: 12, Limit: 2, Offset: 10,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v3/integrations/i1/permissions", "limit=2&resource-type=postgresql-database&skip=10", "")
}

func TestListResources(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.Fixture(t, "integrations/resources.json")})
	page, err := apitest.NewClient(t, fake).Integrations.ListResources(t.Context(), "i1",
		apono.ListResourcesOptions{Limit: 2, Skip: 6, ResourceType: "postgresql-database"})
	require.NoError(t, err)
	require.Equal(t, &apono.OffsetPage[apono.Resource]{
		Items: []*apono.Resource{
			{
				ID: "r1", Name: "orders", Type: "postgresql-database",
				Status: apono.ResourceSyncStatus{Status: apono.ResourceStatusError, Message: new("permission denied")},
			},
			{ID: "r2", Name: "billing", Type: "postgresql-database", Status: apono.ResourceSyncStatus{Status: apono.ResourceStatusActive}},
		},
		Total: 8, Limit: 2, Offset: 6,
	}, page)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v3/integrations/i1/resources", "limit=2&resource-type=postgresql-database&skip=6", "")
}

func TestResourceTags(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Response{Body: apitest.Fixture(t, "integrations/resource_tags.json")},
		script.Response{Body: `{"message":"Tags updated"}`},
	)
	client := apitest.NewClient(t, fake)
	got, err := client.Integrations.GetResourceTags(t.Context(), "r/1 a")
	require.NoError(t, err)
	require.Equal(t, &apono.ResourceTags{ResourceID: "r1", Tags: map[string]string{"env": "prod", "empty": ""}}, got)
	apitest.Sent(t, fake.Requests()[0], "GET", "/api/v3/integrations/resources/r%2F1%20a/user-tags", "", "")
	message, err := client.Integrations.UpdateResourceTags(t.Context(), "r/1 a",
		apono.UpdateResourceTagsInput{Tags: map[string]string{"env": "prod", "empty": ""}})
	require.NoError(t, err)
	require.Equal(t, &apono.Message{Message: "Tags updated"}, message)
	apitest.Sent(t, fake.Requests()[1], "PUT", "/api/v3/integrations/resources/r%2F1%20a/user-tags", "", `{"tags":{"env":"prod","empty":""}}`)
}

func TestListAllOfIntegrationsReadsAllPages(t *testing.T) {
	t.Parallel()
	tokens := []string{apitest.TokenPage("t2", "a", "b"), apitest.TokenPage("", "c")}
	offsets := []string{apitest.OffsetPage(3, 2, 0, "a", "b"), apitest.OffsetPage(3, 2, 2, "c")}
	for _, c := range []struct {
		path  string
		pages []string
		query string // of the second page
		list  func(context.Context, *apono.IntegrationsService) ([]string, error)
		want  []string
	}{
		{
			"/api/admin/v4/integrations", tokens, "page_token=t2",
			func(ctx context.Context, s *apono.IntegrationsService) ([]string, error) {
				return apitest.Names(s.ListAll(ctx), apitest.IntegrationID)
			},
			[]string{"a", "b", "c"},
		},
		{
			"/api/v2/integrations-catalog",
			[]string{
				`{"data":[{"type":"aws"},{"type":"gcp"}],"pagination":{"total":3,"limit":2,"offset":0}}`,
				`{"data":[{"type":"ssh"}],"pagination":{"total":3,"limit":2,"offset":2}}`,
			},
			"skip=2",
			func(ctx context.Context, s *apono.IntegrationsService) ([]string, error) {
				return apitest.Names(s.ListAllCatalog(ctx), func(e *apono.CatalogEntry) string { return e.Type })
			},
			[]string{"aws", "gcp", "ssh"},
		},
		{
			"/api/v3/integrations/i1/permissions", offsets, "skip=2",
			func(ctx context.Context, s *apono.IntegrationsService) ([]string, error) {
				return apitest.Names(s.ListAllPermissions(ctx, "i1"), apitest.PermissionID)
			},
			[]string{"a", "b", "c"},
		},
		{
			"/api/v3/integrations/i1/resources", offsets, "skip=2",
			func(ctx context.Context, s *apono.IntegrationsService) ([]string, error) {
				return apitest.Names(s.ListAllResources(ctx, "i1"), func(r *apono.Resource) string { return r.ID })
			},
			[]string{"a", "b", "c"},
		},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: c.pages[0]}, script.Response{Body: c.pages[1]})
			got, err := c.list(t.Context(), apitest.NewClient(t, fake).Integrations)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			apitest.Sent(t, fake.Requests()[0], "GET", c.path, "", "")
			apitest.Sent(t, fake.Requests()[1], "GET", c.path, c.query, "")
		})
	}
}

// A field without a tag would be sent under its Go name, which the API ignores.
func TestIntegrationTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url",
		reflect.TypeFor[apono.ListIntegrationsOptions](), reflect.TypeFor[apono.ListCatalogOptions](),
		reflect.TypeFor[apono.ListPermissionsOptions](), reflect.TypeFor[apono.ListResourcesOptions](),
	)
	apitest.Tagged(t, "json",
		reflect.TypeFor[apono.Integration](), reflect.TypeFor[apono.Owner](), reflect.TypeFor[apono.OwnersMapping](),
		reflect.TypeFor[apono.CatalogEntry](), reflect.TypeFor[apono.CatalogParam](), reflect.TypeFor[apono.Permission](),
		reflect.TypeFor[apono.Resource](), reflect.TypeFor[apono.ResourceSyncStatus](), reflect.TypeFor[apono.ResourceTags](),
		reflect.TypeFor[apono.Message](), reflect.TypeFor[apono.SecretStoreConfig](), reflect.TypeFor[apono.AWSSecretConfig](),
		reflect.TypeFor[apono.GCPSecretConfig](), reflect.TypeFor[apono.KubernetesSecretConfig](), reflect.TypeFor[apono.AzureSecretConfig](),
		reflect.TypeFor[apono.HashicorpVaultSecretConfig](), reflect.TypeFor[apono.SecretConfig](),
		reflect.TypeFor[apono.CreateIntegrationInput](), reflect.TypeFor[apono.UpdateIntegrationInput](),
		reflect.TypeFor[apono.OwnerInput](), reflect.TypeFor[apono.OwnersMappingInput](), reflect.TypeFor[apono.UpdateResourceTagsInput](),
	)
}

// updated reads an integration from a body, edits its update input, sends the update, and
// returns its body.
func updated(t *testing.T, body string, edit func(*apono.UpdateIntegrationInput)) string {
	t.Helper()
	fake := script.New(t, script.Response{Body: apitest.WithID(body)}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake)
	integration, err := client.Integrations.Get(t.Context(), "i1")
	require.NoError(t, err)
	in := integration.UpdateInput()
	edit(&in)
	_, err = client.Integrations.Update(t.Context(), "i1", in)
	require.NoError(t, err)
	return fake.Requests()[1].Body
}

func asRead(*apono.UpdateIntegrationInput) {}

// An update replaces the whole integration, so a field that the conversion misses would
// be cleared.
func TestIntegrationUpdateInputIsComplete(t *testing.T) {
	t.Parallel()
	apitest.JSONEq(t, apitest.Fixture(t, "integrations/update.json"), updated(t, apitest.Fixture(t, "integrations/integration.json"), asRead))
	apitest.JSONEq(t, `{"name":"Directory","integration_config":{}}`, updated(t, apitest.Fixture(t, "integrations/integration_minimal.json"), asRead))
}

func TestIntegrationUpdateInputRefersByIDOrName(t *testing.T) {
	t.Parallel()
	for read, want := range map[string]string{
		`"source_integration_id":"idp-1","source_integration_name":"Okta"`: `,"source_integration_reference":"idp-1"`,
		`"source_integration_id":null,"source_integration_name":"Okta"`:    `,"source_integration_reference":"Okta"`,
		`"source_integration_name":"Okta"`:                                 `,"source_integration_reference":"Okta"`,
		`"source_integration_id":"idp-1"`:                                  `,"source_integration_reference":"idp-1"`,
		`"source_integration_id":null`:                                     ``,
	} {
		body := updated(t, `{
			"owner": {"attribute_type": "user", "attribute_value": ["u"], `+read+`},
			"owners_mapping": {"key_name": "k", "attribute_type": "user", `+read+`}
		}`, asRead)
		apitest.JSONEq(t, `{
			"name": "", "integration_config": {},
			"owner": {"attribute_type": "user", "attribute_value": ["u"]`+want+`},
			"owners_mapping": {"key_name": "k", "attribute_type": "user"`+want+`}
		}`, body)
	}
}

// The input must not share memory with the object, which programs keep for comparison.
func TestEditingUpdateInputDoesNotChangeIntegration(t *testing.T) {
	t.Parallel()
	integration := ordersDatabase()
	in := integration.UpdateInput()
	*in.ConnectorID = "edited"
	*in.CustomAccessDetails = "edited"
	in.IntegrationConfig["hostname"] = "edited"
	ssl, _ := in.IntegrationConfig["ssl"].(map[string]any)
	ssl["mode"] = "edited"
	hosts, _ := ssl["hosts"].([]any)
	hosts[0] = "edited"
	host, _ := hosts[1].(map[string]any)
	host["b"] = "edited"
	in.SecretStoreConfig.AWS.Region = "edited"
	in.SecretStoreConfig.GCP = &apono.GCPSecretConfig{}
	in.ConnectedResourceTypes[0] = "edited"
	in.Owner.AttributeValue[0] = "edited"
	*in.Owner.SourceIntegrationReference = "edited"
	*in.OwnersMapping.SourceIntegrationReference = "edited"
	require.Equal(t, ordersDatabase(), integration)
}

// future is an integration of a newer version of the API.
const future = `{
	"id": "i1", "name": "one", "type": "postgresql", "category": "RESOURCES", "status": "ACTIVE", "last_sync_time": null,
	"integration_config": {"host": "h"},
	"secret_store_config": {
		"aws": {"region": "r", "secret_id": "s", "role": {"arn": "a", "weight": 1.10}},
		"rotation": {"days": 30}
	},
	"connected_resource_types": ["t"],
	"owner": {
		"attribute_type": "user", "attribute_value": ["u"], "source_integration_id": "idp-1", "source_integration_name": "Okta",
		"backup": ["x", {"y": null}]
	},
	"owners_mapping": {"key_name": "k", "attribute_type": "user", "source_integration_name": "Entra", "strict": false},
	"nested": {"deep": [1, {"big": 12345678901234567890}]},
	"price": 1.10, "big": 12345678901234567890, "exponent": 1E+2, "nothing": null, "markup": "<a href=\"x\">&</a>", "empty": {}
}`

// Members that are newer than this version must not be deleted by an update, and numbers
// in them must keep all digits.
func TestIntegrationUpdateKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	type service = apono.IntegrationsService
	first := func(seq iter.Seq2[*apono.Integration, error]) (*apono.Integration, error) {
		for integration, err := range seq {
			return integration, err
		}
		return nil, nil
	}
	const page = `{"items": [{"id": "i0"}, ` + future + `], "pagination": {}}`
	for _, c := range []struct {
		name, body string
		read       func(context.Context, *service) (*apono.Integration, error)
	}{
		{"Get", future, func(ctx context.Context, s *service) (*apono.Integration, error) { return s.Get(ctx, "i1") }},
		{"Create", future, func(ctx context.Context, s *service) (*apono.Integration, error) {
			return s.Create(ctx, apono.CreateIntegrationInput{})
		}},
		{"Update", future, func(ctx context.Context, s *service) (*apono.Integration, error) {
			return s.Update(ctx, "i1", apono.UpdateIntegrationInput{})
		}},
		{"List", page, func(ctx context.Context, s *service) (*apono.Integration, error) {
			page, err := s.List(ctx)
			require.NoError(t, err)
			require.Equal(t, &apono.Integration{ID: "i0"}, page.Items[0])
			return page.Items[1], nil
		}},
		{"ListAll", `{"items": [` + future + `, {"id": "i2"}], "pagination": {}}`, func(ctx context.Context, s *service) (*apono.Integration, error) {
			return first(s.ListAll(ctx))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Body: c.body}, script.Response{Body: apitest.AnyObject})
			client := apitest.NewClient(t, fake)
			integration, err := c.read(t.Context(), client.Integrations)
			require.NoError(t, err)
			in := integration.UpdateInput()
			in.Name = "another"
			in.Owner.AttributeValue = append(in.Owner.AttributeValue, "v")
			in.SecretStoreConfig.AWS.Region = "r2"
			_, err = client.Integrations.Update(t.Context(), "i1", in)
			require.NoError(t, err)
			body := fake.Requests()[1].Body
			apitest.JSONEq(t, `{
				"name": "another",
				"integration_config": {"host": "h"},
				"secret_store_config": {
					"aws": {"region": "r2", "secret_id": "s", "role": {"arn": "a", "weight": 1.10}},
					"rotation": {"days": 30}
				},
				"connected_resource_types": ["t"],
				"owner": {
					"attribute_type": "user", "attribute_value": ["u", "v"], "source_integration_reference": "idp-1",
					"backup": ["x", {"y": null}]
				},
				"owners_mapping": {"key_name": "k", "attribute_type": "user", "source_integration_reference": "Entra", "strict": false},
				"nested": {"deep": [1, {"big": 12345678901234567890}]},
				"price": 1.10, "big": 12345678901234567890, "exponent": 1E+2, "nothing": null, "markup": "<a href=\"x\">&</a>", "empty": {}
			}`, body)
			require.Equal(t, 2, strings.Count(body, `"big":12345678901234567890`))
			for _, part := range []string{
				`"price":1.10`, `"weight":1.10`, `"exponent":1E+2`, `"markup":"<a href=\"x\">&</a>"`,
			} {
				require.Contains(t, body, part)
			}
		})
	}
}

func TestIntegrationUpdateOmitsRemovedMembers(t *testing.T) {
	t.Parallel()
	body := updated(t, future, func(in *apono.UpdateIntegrationInput) {
		in.SecretStoreConfig, in.Owner, in.OwnersMapping, in.ConnectedResourceTypes = nil, nil, nil, nil
	})
	apitest.JSONEq(t, `{
		"name": "one", "integration_config": {"host": "h"},
		"nested": {"deep": [1, {"big": 12345678901234567890}]},
		"price": 1.10, "big": 12345678901234567890, "exponent": 1E+2, "nothing": null, "markup": "<a href=\"x\">&</a>", "empty": {}
	}`, body)
}

// Integers above 2^53 would change in a float.
func TestIntegrationUpdateKeepsLargeNumbers(t *testing.T) {
	t.Parallel()
	body := updated(t, `{"integration_config": {"account": 9007199254740993, "list": [12345678901234567890]}}`, asRead)
	require.Contains(t, body, `"account":9007199254740993`)
	require.Contains(t, body, `"list":[12345678901234567890]`)
}

func TestNewIntegrationInputHasNoUnknownMembers(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: future}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake)
	integration, err := client.Integrations.Get(t.Context(), "i1")
	require.NoError(t, err)
	_, err = client.Integrations.Update(t.Context(), integration.ID, apono.UpdateIntegrationInput{Name: integration.Name})
	require.NoError(t, err)
	apitest.JSONEq(t, `{"name":"one","integration_config":{}}`, fake.Requests()[1].Body)
}

// formatted returns a value printed in every common way.
func formatted(value any) map[string]string {
	texts := map[string]string{"Sprint": fmt.Sprint(value), "error": fmt.Errorf("failed: %v", value).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%10.3f"} {
		texts[verb] = fmt.Sprintf(verb, value)
	}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("m", "value", value)
	texts["slog text"] = b.String()
	b.Reset()
	slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "value", value)
	texts["slog JSON"] = b.String()
	data, err := json.Marshal(value)
	texts["json.Marshal"] = fmt.Sprint(string(data), err)
	return texts
}

// A response without tags must not look like a resource without tags.
func TestResourceTagsWithoutTagsAreDecodeError(t *testing.T) {
	t.Parallel()
	client := apitest.NewClient(t, script.New(t, script.Response{Body: `{"resource_id":"r"}`}, script.Response{Body: `{"resource_id":"r","tags":{}}`}))
	tags, err := client.Integrations.GetResourceTags(t.Context(), "r")
	require.ErrorAs(t, err, new(*apono.DecodeError))
	require.ErrorContains(t, err, ": tags is missing")
	require.Nil(t, tags)
	_, err = client.Integrations.GetResourceTags(t.Context(), "r")
	require.NoError(t, err)
}
