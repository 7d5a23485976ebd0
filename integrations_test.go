package apono_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// fixture reads a file below testdata.
func fixture(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	check.NoError(t, err)
	return string(data)
}

// ordersDatabase is what integrations/integration.json holds.
func ordersDatabase() *apono.Integration {
	return &apono.Integration{
		ID:           "6f1c2a44-9c1e-4f57-8f7a-0d5c2b7f9e10",
		Name:         "Orders database",
		Type:         "postgresql",
		Category:     apono.IntegrationCategoryResources,
		ConnectorID:  apono.Ptr("connector-1"),
		Status:       apono.IntegrationStatusActive,
		LastSyncTime: apono.Ptr(time.Date(2026, 3, 5, 7, 8, 9, 123456789, time.UTC)),
		IntegrationConfig: map[string]any{
			"hostname": "orders.example.com", "port": "5432",
			"ssl": map[string]any{"mode": "verify-full", "hosts": []any{"a", map[string]any{"b": "c"}}},
		},
		SecretStoreConfig:      &apono.SecretStoreConfig{AWS: &apono.AWSSecretConfig{Region: "eu-west-1", SecretID: "orders/apono"}},
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    apono.Ptr("Ask in #orders <first>."),
		Owner: &apono.Owner{
			AttributeType: "group", AttributeValue: []string{"group-7", "group-8"},
			SourceIntegrationID: apono.Ptr("idp-1"), SourceIntegrationName: apono.Ptr("Okta"),
		},
		OwnersMapping: &apono.OwnersMapping{
			KeyName: "team", AttributeType: "department",
			SourceIntegrationID: apono.Ptr("idp-2"), SourceIntegrationName: apono.Ptr("Entra"),
		},
	}
}

// directory is what integrations/integration_minimal.json holds.
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
	fake := script.New(t, script.Answer{Body: `{
		"items": [` + fixture(t, "integrations/integration.json") + `,` + fixture(t, "integrations/integration_minimal.json") + `],
		"pagination": {"next_page_token": "t2"}
	}`})
	page, err := newClient(t, fake).Integrations.List(t.Context(), apono.ListIntegrationsOptions{
		Limit: 50, Name: "*orders*", Type: []string{"aws-account", "postgres*"},
		Category:    []apono.IntegrationCategory{apono.IntegrationCategoryResources, apono.IntegrationCategoryUserInformation},
		Status:      []apono.IntegrationStatus{apono.IntegrationStatusActive, "WARNING"},
		ConnectorID: []string{"c1", "c2"},
	})
	check.NoError(t, err)
	check.Equal(t, page, &apono.Page[apono.Integration]{Items: []*apono.Integration{ordersDatabase(), directory()}, NextPageToken: "t2"})
	sent(t, fake.Requests()[0], "GET", "/api/admin/v4/integrations", "category=RESOURCES&category=USER-INFORMATION&"+
		"connector_id=c1&connector_id=c2&limit=50&name=%2Aorders%2A&status=ACTIVE&status=WARNING&type=aws-account&type=postgres%2A", "")
}

func TestGetIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: fixture(t, "integrations/integration.json")},
		script.Answer{Body: fixture(t, "integrations/integration_minimal.json")},
	)
	client := newClient(t, fake)
	for i, want := range []*apono.Integration{ordersDatabase(), directory()} {
		got, err := client.Integrations.Get(t.Context(), "i1")
		check.NoError(t, err)
		check.Equal(t, got, want)
		sent(t, fake.Requests()[i], "GET", "/api/admin/v4/integrations/i1", "", "")
	}
}

func TestCreateAndUpdateIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: fixture(t, "integrations/integration.json")},
		script.Answer{Body: fixture(t, "integrations/integration_minimal.json")},
	)
	client := newClient(t, fake)
	update := apono.UpdateIntegrationInput{
		Name:        "Orders database",
		ConnectorID: apono.Ptr("connector-1"),
		IntegrationConfig: map[string]any{
			"hostname": "orders.example.com", "port": "5432",
			"ssl": map[string]any{"mode": "verify-full", "hosts": []any{"a", map[string]string{"b": "c"}}},
		},
		SecretStoreConfig:      &apono.SecretStoreConfig{AWS: &apono.AWSSecretConfig{Region: "eu-west-1", SecretID: "orders/apono"}},
		ConnectedResourceTypes: []string{"postgresql-database", "postgresql-table"},
		CustomAccessDetails:    apono.Ptr("Ask in #orders <first>."),
		Owner: &apono.OwnerInput{
			AttributeType: "group", AttributeValue: []string{"group-7", "group-8"}, SourceIntegrationReference: apono.Ptr("idp-1"),
		},
		OwnersMapping: &apono.OwnersMappingInput{
			KeyName: "team", AttributeType: "department", SourceIntegrationReference: apono.Ptr("idp-2"),
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
	check.NoError(t, err)
	check.Equal(t, got, ordersDatabase())
	sent(t, fake.Requests()[0], "POST", "/api/admin/v4/integrations", "", fixture(t, "integrations/create.json"))
	got, err = client.Integrations.Update(t.Context(), "i1", update)
	check.NoError(t, err)
	check.Equal(t, got, directory())
	sent(t, fake.Requests()[1], "PUT", "/api/admin/v4/integrations/i1", "", fixture(t, "integrations/update.json"))
}

// A required array or map that is sent as null is refused by the API, an empty
// one that is left out cannot clear what is set, and a pointer to an empty text
// that is left out cannot either.
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
				ConnectorID: apono.Ptr(""), ConnectedResourceTypes: []string{}, CustomAccessDetails: apono.Ptr(""),
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
				ConnectorID: apono.Ptr(""), ConnectedResourceTypes: []string{}, CustomAccessDetails: apono.Ptr(""),
				Owner: &apono.OwnerInput{SourceIntegrationReference: apono.Ptr("")}, OwnersMapping: &apono.OwnersMappingInput{},
			}),
			`{
				"name": "", "integration_config": {},
				"connector_id": "", "connected_resource_types": [], "custom_access_details": "",
				"owner": {"attribute_type": "", "attribute_value": [], "source_integration_reference": ""},
				"owners_mapping": {"key_name": "", "attribute_type": ""}
			}`,
		},
		{
			"false, zero and null in the config are the caller's",
			create(apono.CreateIntegrationInput{IntegrationConfig: map[string]any{"a": false, "b": 0, "c": nil, "d": ""}}),
			`{"name":"","type":"","integration_config":{"a":false,"b":0,"c":null,"d":""}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Answer{Body: `{}`})
			check.NoError(t, c.call(t.Context(), newClient(t, fake).Integrations))
			check.JSON(t, fake.Requests()[0].Body, c.body)
		})
	}
}

func TestEverySecretStoreIsReadAndSent(t *testing.T) {
	t.Parallel()
	for body, store := range map[string]apono.SecretStoreConfig{
		`{"aws":{"region":"r","secret_id":"s"}}`:               {AWS: &apono.AWSSecretConfig{Region: "r", SecretID: "s"}},
		`{"gcp":{"project":"p","secret_id":"s"}}`:              {GCP: &apono.GCPSecretConfig{Project: "p", SecretID: "s"}},
		`{"kubernetes":{"namespace":"ns","name":"n"}}`:         {Kubernetes: &apono.KubernetesSecretConfig{Namespace: "ns", Name: "n"}},
		`{"azure":{"vault_url":"https://v","name":"n"}}`:       {Azure: &apono.AzureSecretConfig{VaultURL: "https://v", Name: "n"}},
		`{"hashicorp_vault":{"secret_engine":"e","path":"p"}}`: {HashicorpVault: &apono.HashicorpVaultSecretConfig{SecretEngine: "e", Path: "p"}},
		`{"apono":{"parameters":{"user":"u"}}}`:                {Apono: &apono.SecretConfig{Parameters: apono.Secrets{"user": "u"}}},
	} {
		fake := script.New(t, script.Answer{Body: `{"secret_store_config":` + body + `}`})
		got, err := newClient(t, fake).Integrations.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: &store})
		check.NoError(t, err)
		check.Equal(t, got.SecretStoreConfig, &store)
		check.JSON(t, fake.Requests()[0].Body, `{"name":"","type":"","integration_config":{},"secret_store_config":`+body+`}`)
	}
}

func TestDeleteIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Status: 204})
	check.NoError(t, newClient(t, fake).Integrations.Delete(t.Context(), "i1"))
	sent(t, fake.Requests()[0], "DELETE", "/api/admin/v4/integrations/i1", "", "")
}

func TestRefreshIntegration(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{"message":"Refresh started"}`})
	got, err := newClient(t, fake).Integrations.Refresh(t.Context(), "i1")
	check.NoError(t, err)
	check.Equal(t, got, &apono.Message{Message: "Refresh started"})
	sent(t, fake.Requests()[0], "POST", "/api/v2/integrations/i1/refresh", "", "")
}

func TestListCatalog(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: `{"data":[` + fixture(t, "integrations/catalog_entry.json") + `],"pagination":{"total":31,"limit":1,"offset":30}}`},
		script.Answer{Body: `{"data":[],"pagination":{"total":0,"limit":100,"offset":0}}`},
	)
	client := newClient(t, fake)
	page, err := client.Integrations.ListCatalog(t.Context(), apono.ListCatalogOptions{Limit: 1, Skip: 30})
	check.NoError(t, err)
	check.Equal(t, page, &apono.OffsetPage[apono.CatalogEntry]{Items: []*apono.CatalogEntry{postgresEntry()}, Total: 31, Limit: 1, Offset: 30})
	sent(t, fake.Requests()[0], "GET", "/api/v2/integrations-catalog", "limit=1&skip=30", "")
	page, err = client.Integrations.ListCatalog(t.Context())
	check.NoError(t, err)
	check.Equal(t, page, &apono.OffsetPage[apono.CatalogEntry]{Items: []*apono.CatalogEntry{}, Limit: 100})
	sent(t, fake.Requests()[1], "GET", "/api/v2/integrations-catalog", "", "")
}

func TestGetCatalogEntry(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: fixture(t, "integrations/catalog_entry.json")})
	got, err := newClient(t, fake).Integrations.GetCatalogEntry(t.Context(), "postgresql")
	check.NoError(t, err)
	check.Equal(t, got, postgresEntry())
	sent(t, fake.Requests()[0], "GET", "/api/v2/integrations-catalog/postgresql", "", "")
}

func TestListPermissions(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: fixture(t, "integrations/permissions.json")})
	page, err := newClient(t, fake).Integrations.ListPermissions(t.Context(), "i1",
		apono.ListPermissionsOptions{Limit: 2, Skip: 10, ResourceType: "postgresql-database"})
	check.NoError(t, err)
	check.Equal(t, page, &apono.OffsetPage[apono.Permission]{
		Items: []*apono.Permission{
			{ID: "p1", Name: "READ_ONLY", ResourceType: "postgresql-database"},
			{ID: "p2", Name: "ADMIN", ResourceType: "postgresql-table"},
		},
		Total: 12, Limit: 2, Offset: 10,
	})
	sent(t, fake.Requests()[0], "GET", "/api/v3/integrations/i1/permissions", "limit=2&resource-type=postgresql-database&skip=10", "")
}

func TestListResources(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: fixture(t, "integrations/resources.json")})
	page, err := newClient(t, fake).Integrations.ListResources(t.Context(), "i1",
		apono.ListResourcesOptions{Limit: 2, Skip: 6, ResourceType: "postgresql-database"})
	check.NoError(t, err)
	check.Equal(t, page, &apono.OffsetPage[apono.Resource]{
		Items: []*apono.Resource{
			{
				ID: "r1", Name: "orders", Type: "postgresql-database",
				Status: apono.ResourceSyncStatus{Status: apono.ResourceStatusError, Message: apono.Ptr("permission denied")},
			},
			{ID: "r2", Name: "billing", Type: "postgresql-database", Status: apono.ResourceSyncStatus{Status: apono.ResourceStatusActive}},
		},
		Total: 8, Limit: 2, Offset: 6,
	})
	sent(t, fake.Requests()[0], "GET", "/api/v3/integrations/i1/resources", "limit=2&resource-type=postgresql-database&skip=6", "")
}

func TestResourceTags(t *testing.T) {
	t.Parallel()
	fake := script.New(t,
		script.Answer{Body: fixture(t, "integrations/resource_tags.json")},
		script.Answer{Body: `{"message":"Tags updated"}`},
	)
	client := newClient(t, fake)
	got, err := client.Integrations.GetResourceTags(t.Context(), "r/1 a")
	check.NoError(t, err)
	check.Equal(t, got, &apono.ResourceTags{ResourceID: "r1", Tags: map[string]string{"env": "prod", "empty": ""}})
	sent(t, fake.Requests()[0], "GET", "/api/v3/integrations/resources/r%2F1%20a/user-tags", "", "")
	message, err := client.Integrations.UpdateResourceTags(t.Context(), "r/1 a",
		apono.UpdateResourceTagsInput{Tags: map[string]string{"env": "prod", "empty": ""}})
	check.NoError(t, err)
	check.Equal(t, message, &apono.Message{Message: "Tags updated"})
	sent(t, fake.Requests()[1], "PUT", "/api/v3/integrations/resources/r%2F1%20a/user-tags", "", `{"tags":{"env":"prod","empty":""}}`)
}

func TestEveryListOfIntegrationsReadsAllPages(t *testing.T) {
	t.Parallel()
	tokens := []string{tokenPage("t2", "a", "b"), tokenPage("", "c")}
	offsets := []string{offsetPage(3, 2, 0, "a", "b"), offsetPage(3, 2, 2, "c")}
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
				return names(s.ListAll(ctx), integrationID)
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
				return names(s.ListAllCatalog(ctx), func(e *apono.CatalogEntry) string { return e.Type })
			},
			[]string{"aws", "gcp", "ssh"},
		},
		{
			"/api/v3/integrations/i1/permissions", offsets, "skip=2",
			func(ctx context.Context, s *apono.IntegrationsService) ([]string, error) {
				return names(s.ListAllPermissions(ctx, "i1"), permissionID)
			},
			[]string{"a", "b", "c"},
		},
		{
			"/api/v3/integrations/i1/resources", offsets, "skip=2",
			func(ctx context.Context, s *apono.IntegrationsService) ([]string, error) {
				return names(s.ListAllResources(ctx, "i1"), func(r *apono.Resource) string { return r.ID })
			},
			[]string{"a", "b", "c"},
		},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Answer{Body: c.pages[0]}, script.Answer{Body: c.pages[1]})
			got, err := c.list(t.Context(), newClient(t, fake).Integrations)
			check.NoError(t, err)
			check.Equal(t, got, c.want)
			sent(t, fake.Requests()[0], "GET", c.path, "", "")
			sent(t, fake.Requests()[1], "GET", c.path, c.query, "")
		})
	}
}

// A field without a tag is sent under its Go name, which the API ignores: the
// filter filters nothing, and the member is lost.
func TestEveryFieldOfTheIntegrationTypesIsTagged(t *testing.T) {
	t.Parallel()
	tagged(t, "url",
		reflect.TypeFor[apono.ListIntegrationsOptions](), reflect.TypeFor[apono.ListCatalogOptions](),
		reflect.TypeFor[apono.ListPermissionsOptions](), reflect.TypeFor[apono.ListResourcesOptions](),
	)
	tagged(t, "json",
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
