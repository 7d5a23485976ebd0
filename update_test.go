package apono_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

// updated reads an integration from a body, edits its update input, updates it,
// and returns the body of the update.
func updated(t *testing.T, body string, edit func(*apono.UpdateIntegrationInput)) string {
	t.Helper()
	fake := script.New(t, script.Answer{Body: body}, script.Answer{Body: `{}`})
	client := newClient(t, fake)
	integration, err := client.Integrations.Get(t.Context(), "i1")
	check.NoError(t, err)
	in := integration.UpdateInput()
	edit(&in)
	_, err = client.Integrations.Update(t.Context(), "i1", in)
	check.NoError(t, err)
	return fake.Requests()[1].Body
}

func asRead(*apono.UpdateIntegrationInput) {}

// An update replaces the whole integration. A conversion that forgets a field
// clears it in the account of somebody who only wanted another name.
func TestUpdateInputLosesNothing(t *testing.T) {
	t.Parallel()
	check.JSON(t, updated(t, fixture(t, "integrations/integration.json"), asRead), fixture(t, "integrations/update.json"))
	check.JSON(t, updated(t, fixture(t, "integrations/integration_minimal.json"), asRead), `{"name":"Directory","integration_config":{}}`)
}

func TestUpdateInputRefersByIDAndByNameWhereThereIsNone(t *testing.T) {
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
		check.JSON(t, body, `{
			"name": "", "integration_config": {},
			"owner": {"attribute_type": "user", "attribute_value": ["u"]`+want+`},
			"owners_mapping": {"key_name": "k", "attribute_type": "user"`+want+`}
		}`)
	}
}

// Programs keep what they read, to compare it with what they write. An input
// that shares memory with it makes the two agree always.
func TestEditingAnUpdateInputLeavesTheIntegration(t *testing.T) {
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
	check.Equal(t, integration, ordersDatabase())
}

func TestEditingTheStoreOfAnUpdateInputLeavesTheIntegration(t *testing.T) {
	t.Parallel()
	stores := func() apono.SecretStoreConfig {
		return apono.SecretStoreConfig{
			GCP: &apono.GCPSecretConfig{Project: "p"}, Kubernetes: &apono.KubernetesSecretConfig{Name: "n"},
			Azure: &apono.AzureSecretConfig{Name: "n"}, HashicorpVault: &apono.HashicorpVaultSecretConfig{Path: "p"},
			Apono: &apono.SecretConfig{Parameters: apono.Secrets{"user": "u"}},
		}
	}
	read := stores()
	in := (&apono.Integration{SecretStoreConfig: &read}).UpdateInput()
	in.SecretStoreConfig.GCP.Project = "edited"
	in.SecretStoreConfig.Kubernetes.Name = "edited"
	in.SecretStoreConfig.Azure.Name = "edited"
	in.SecretStoreConfig.HashicorpVault.Path = "edited"
	in.SecretStoreConfig.Apono.Parameters["user"] = "edited"
	check.Equal(t, read, stores())
}

// future is an integration as a later version of the API may answer it.
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

// The members that the API gains after this version was made would be deleted
// by the next update of any program that was not rebuilt since, and a number
// that passes through a float would come back as another.
func TestAnUpdateKeepsWhatThisVersionDoesNotKnow(t *testing.T) {
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
			check.NoError(t, err)
			check.Equal(t, page.Items[0], &apono.Integration{ID: "i0"})
			return page.Items[1], nil
		}},
		{"ListAll", `{"items": [` + future + `, {"id": "i2"}]}`, func(ctx context.Context, s *service) (*apono.Integration, error) {
			return first(s.ListAll(ctx))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Answer{Body: c.body}, script.Answer{Body: `{}`})
			client := newClient(t, fake)
			integration, err := c.read(t.Context(), client.Integrations)
			check.NoError(t, err)
			in := integration.UpdateInput()
			in.Name = "another"
			in.Owner.AttributeValue = append(in.Owner.AttributeValue, "v")
			in.SecretStoreConfig.AWS.Region = "r2"
			_, err = client.Integrations.Update(t.Context(), "i1", in)
			check.NoError(t, err)
			body := fake.Requests()[1].Body
			check.JSON(t, body, `{
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
			}`)
			check.Equal(t, strings.Count(body, `"big":12345678901234567890`), 2)
			check.Contains(t, body, `"price":1.10`, `"weight":1.10`, `"exponent":1E+2`, `"markup":"<a href=\"x\">&</a>"`)
		})
	}
}

func TestAnUpdateLeavesOutWhatTheCallerRemoved(t *testing.T) {
	t.Parallel()
	body := updated(t, future, func(in *apono.UpdateIntegrationInput) {
		in.SecretStoreConfig, in.Owner, in.OwnersMapping, in.ConnectedResourceTypes = nil, nil, nil, nil
	})
	check.JSON(t, body, `{
		"name": "one", "integration_config": {"host": "h"},
		"nested": {"deep": [1, {"big": 12345678901234567890}]},
		"price": 1.10, "big": 12345678901234567890, "exponent": 1E+2, "nothing": null, "markup": "<a href=\"x\">&</a>", "empty": {}
	}`)
}

func TestAnUnknownSecretStoreSurvivesAnUpdate(t *testing.T) {
	t.Parallel()
	body := updated(t, `{"secret_store_config": {"oracle_vault": {"ocid": "o"}}}`, asRead)
	check.JSON(t, body, `{"name":"","integration_config":{},"secret_store_config":{"oracle_vault":{"ocid":"o"}}}`)
}

// A store is one of several. A caller who moves the credentials from a store
// that this version does not know to one that it does would name two, which the
// API refuses, and could do nothing about it.
func TestAKnownSecretStoreReplacesAnUnknownOne(t *testing.T) {
	t.Parallel()
	body := updated(t, `{"secret_store_config": {"oracle_vault": {"ocid": "o"}}}`, func(in *apono.UpdateIntegrationInput) {
		in.SecretStoreConfig = &apono.SecretStoreConfig{AWS: &apono.AWSSecretConfig{Region: "r", SecretID: "s"}}
	})
	check.JSON(t, body, `{"name":"","integration_config":{},"secret_store_config":{"aws":{"region":"r","secret_id":"s"}}}`)
}

// Integers beyond 2^53, such as account numbers of some systems, are others once
// they have been a float, and an update of the name alone would write those.
func TestLargeNumbersInTheConfigSurviveAnUpdate(t *testing.T) {
	t.Parallel()
	body := updated(t, `{"integration_config": {"account": 9007199254740993, "list": [12345678901234567890]}}`, asRead)
	check.Contains(t, body, `"account":9007199254740993`, `"list":[12345678901234567890]`)
}

func TestAnInputBuiltByHandCarriesNothing(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: future}, script.Answer{Body: `{}`})
	client := newClient(t, fake)
	integration, err := client.Integrations.Get(t.Context(), "i1")
	check.NoError(t, err)
	_, err = client.Integrations.Update(t.Context(), integration.ID, apono.UpdateIntegrationInput{Name: integration.Name})
	check.NoError(t, err)
	check.JSON(t, fake.Requests()[1].Body, `{"name":"one","integration_config":{}}`)
}

const password = "hunter2-<&>"

func credentials() *apono.SecretStoreConfig {
	return &apono.SecretStoreConfig{Apono: &apono.SecretConfig{Parameters: apono.Secrets{"password": password}}}
}

// formatted gives a value in every way in which programs print by habit.
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

// The credentials of a customer's database end up in the logs of whoever prints
// an integration, or what it sends for one, while looking for a mistake.
func TestCredentialsArePrintedNowhere(t *testing.T) {
	t.Parallel()
	const body = `{"id": "i1", "secret_store_config": {"apono": {"parameters": {"password": "hunter2-<&>"}}}, "unknown": 1}`
	fake := script.New(t, script.Answer{Body: body})
	read, err := newClient(t, fake).Integrations.Get(t.Context(), "i1")
	check.NoError(t, err)
	check.Equal(t, read.SecretStoreConfig.Apono.Parameters["password"], password)
	create := apono.CreateIntegrationInput{SecretStoreConfig: credentials()}
	update := read.UpdateInput()
	store := credentials()
	for name, value := range map[string]any{
		"Secrets": store.Apono.Parameters, "SecretConfig": *store.Apono, "*SecretConfig": store.Apono,
		"SecretStoreConfig": *store, "*SecretStoreConfig": store, "[]SecretStoreConfig": []apono.SecretStoreConfig{*store},
		"Integration": *read, "*Integration": read, "CreateIntegrationInput": create, "*CreateIntegrationInput": &create,
		"UpdateIntegrationInput": update, "*UpdateIntegrationInput": &update, "map": map[string]any{"in": &update, "config": store.Apono}, "[]*SecretConfig": []*apono.SecretConfig{store.Apono},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, text := range formatted(value) {
				for _, hidden := range []string{"hunter2", "68756e74657232", "68756E74657232"} {
					check.True(t, !strings.Contains(text, hidden), "no credentials with %s, got %s", way, text)
				}
			}
		})
	}
}

// What is left must still tell which credentials there are, or nobody can see
// from a log that one is missing.
func TestCredentialsPrintTheirNames(t *testing.T) {
	t.Parallel()
	store := credentials()
	for way, text := range formatted(store.Apono.Parameters) {
		check.True(t, strings.Contains(text, "password") && strings.Contains(text, "[redacted]"), "the name with %s, got %s", way, text)
	}
	check.Equal(t, fmt.Sprintf("%v %+v", store.Apono.Parameters, apono.Secrets(nil)), "map[password:[redacted]] map[]")
	check.Equal(t, fmt.Sprintf("%v %#v", store, *store), "{Apono [redacted]} {Apono [redacted]}")
	data, err := json.Marshal(apono.CreateIntegrationInput{SecretStoreConfig: store})
	check.NoError(t, err)
	check.Contains(t, string(data), `"secret_store_config":{"apono":{"parameters":{"password":"[redacted]"}}}`)
}

// Integrations without a store are the most. Logging theirs must not look like
// a crash.
func TestNoSecretStoreIsLoggedAsNone(t *testing.T) {
	t.Parallel()
	for way, text := range formatted((&apono.Integration{}).SecretStoreConfig) {
		check.True(t, !strings.Contains(strings.ToLower(text), "panic"), "no panic with %s, got %s", way, text)
	}
}

func TestRevealGivesTheCredentials(t *testing.T) {
	t.Parallel()
	secrets := apono.Secrets{"password": password}
	revealed := secrets.Reveal()
	check.Equal(t, fmt.Sprint(revealed), "map[password:hunter2-<&>]")
	revealed["password"] = "edited"
	check.Equal(t, secrets["password"], password)
	check.Equal(t, apono.Secrets(nil).Reveal(), nil)
}

// Credentials that are sent as they print would set every password to the same
// word in brackets, and lock the connector out.
func TestRequestsCarryTheCredentials(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{}`}, script.Answer{Body: `{}`})
	client := newClient(t, fake).Integrations
	_, err := client.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: credentials()})
	check.NoError(t, err)
	_, err = client.Update(t.Context(), "i1", apono.UpdateIntegrationInput{SecretStoreConfig: credentials()})
	check.NoError(t, err)
	const store = `"integration_config":{},"secret_store_config":{"apono":{"parameters":{"password":"hunter2-<&>"}}}}`
	check.Equal(t, fake.Requests()[0].Body, `{"name":"","type":"",`+store)
	check.Equal(t, fake.Requests()[1].Body, `{"name":"",`+store)
	check.JSON(t, updated(t, `{"x":1,`+store, asRead), `{"name":"","x":1,`+store)
}

// Programs that build a body from a map, for an operation that this version does
// not know or in the config, put the values of this package into it.
func TestRequestsCarryTheCredentialsInsideFreeFormValues(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Answer{Body: `{}`}, script.Answer{Body: `{}`})
	client := newClient(t, fake)
	check.NoError(t, client.Do(t.Context(), "PUT", "/api/admin/v5/stores/s1", nil, map[string]any{
		"store": credentials(), "list": []any{*credentials()},
	}, nil))
	_, err := client.Integrations.Create(t.Context(), apono.CreateIntegrationInput{
		IntegrationConfig: map[string]any{"login": apono.Secrets{"password": password}},
	})
	check.NoError(t, err)
	const store = `{"apono":{"parameters":{"password":"hunter2-<&>"}}}`
	check.JSON(t, fake.Requests()[0].Body, `{"store":`+store+`,"list":[`+store+`]}`)
	check.JSON(t, fake.Requests()[1].Body, `{"name":"","type":"","integration_config":{"login":{"password":"hunter2-<&>"}}}`)
}

func TestAStoreConfigNamesExactlyOneStore(t *testing.T) {
	t.Parallel()
	for found, store := range map[string]apono.SecretStoreConfig{
		"none is":         {},
		"AWS and GCP are": {AWS: &apono.AWSSecretConfig{}, GCP: &apono.GCPSecretConfig{}},
		"Kubernetes and Azure and HashicorpVault and Apono are": {
			Kubernetes: &apono.KubernetesSecretConfig{}, Azure: &apono.AzureSecretConfig{},
			HashicorpVault: &apono.HashicorpVaultSecretConfig{}, Apono: &apono.SecretConfig{},
		},
	} {
		t.Run(found, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, noRequest(t)).Integrations
			_, createErr := client.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: &store})
			_, updateErr := client.Update(t.Context(), "i1", apono.UpdateIntegrationInput{SecretStoreConfig: &store})
			for _, err := range []error{createErr, updateErr} {
				check.ErrorAs[*apono.ArgumentError](t, err)
				check.Equal(t, err.Error(), "apono: argument in.SecretStoreConfig: exactly one of AWS, GCP, Kubernetes, Azure, "+
					"HashicorpVault and Apono must be set, but "+found)
			}
		})
	}
}

// A store config without a store is refused by the API, though the API itself
// answers one now and then.
func TestAnEmptyStoreConfigIsNotWrittenBack(t *testing.T) {
	t.Parallel()
	check.JSON(t, updated(t, `{"secret_store_config": {}}`, asRead), `{"name":"","integration_config":{}}`)
}

// Whoever keeps integrations as JSON keeps them without credentials. Writing
// them back would make the mask the password.
func TestMaskedCredentialsAreNotSent(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(credentials())
	check.NoError(t, err)
	var store apono.SecretStoreConfig
	check.NoError(t, json.Unmarshal(data, &store))
	_, err = newClient(t, noRequest(t)).Integrations.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: &store})
	check.Equal(t, check.ErrorAs[*apono.ArgumentError](t, err), &apono.ArgumentError{
		Arg:    "in.SecretStoreConfig.Apono.Parameters",
		Reason: "it holds [redacted]: it comes from a printed or marshaled object, which has no credentials",
	})
}

// A time.Duration that is decoded from a bare number takes seconds or minutes for
// nanoseconds, and a number without a unit in its name is sent in the wrong one.
func TestDurationsInModelsAreNumbersWithTheirUnit(t *testing.T) {
	t.Parallel()
	found := 0
	for _, typ := range exportedTypes() {
		if typ.Kind() != reflect.Struct {
			continue
		}
		for i := range typ.NumField() {
			field := typ.Field(i)
			if tag := field.Tag.Get("json"); tag == "" || tag == "-" {
				continue
			}
			kind := field.Type
			if kind.Kind() == reflect.Pointer {
				kind = kind.Elem()
			}
			check.True(t, kind != typeOf[time.Duration](), "a number with its unit in the name, got %s.%s", typ.Name(), field.Name)
			if kind.Kind() == reflect.Int && regexp.MustCompile("Duration|Interval|Revoke|TimeIn").MatchString(field.Name) {
				found++
				check.True(t, regexp.MustCompile("In(Sec|Min|Seconds)$").MatchString(field.Name), "a unit in %s.%s", typ.Name(), field.Name)
			}
		}
	}
	check.True(t, found >= 10, "durations, found %d", found)
}
