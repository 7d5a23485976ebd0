package apono_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

const password = "hunter2-<&>"

func credentials() *apono.SecretStoreConfig {
	return &apono.SecretStoreConfig{Apono: &apono.SecretConfig{Parameters: apono.Secrets{"password": password}}}
}

func TestCredentialsPrintRedacted(t *testing.T) {
	t.Parallel()
	const body = `{"id": "i1", "secret_store_config": {"apono": {"parameters": {"password": "hunter2-<&>"}}}, "unknown": 1}`
	fake := script.New(t, script.Response{Body: body})
	read, err := apitest.NewClient(t, fake).Integrations.Get(t.Context(), "i1")
	require.NoError(t, err)
	require.Equal(t, password, read.SecretStoreConfig.Apono.Parameters["password"])
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
					require.NotContainsf(t, text, hidden, "%s must not print credentials", way)
				}
			}
		})
	}
}

// The names of credentials help to find a missing one.
func TestCredentialsPrintTheirNames(t *testing.T) {
	t.Parallel()
	store := credentials()
	for way, text := range formatted(store.Apono.Parameters) {
		require.Containsf(t, text, "password", "%s must print names and [redacted]", way)
		require.Containsf(t, text, "[redacted]", "%s must print names and [redacted]", way)
	}
	require.Equal(t, "map[password:[redacted]] map[]", fmt.Sprintf("%v %+v", store.Apono.Parameters, apono.Secrets(nil)))
	require.Equal(t, "{Apono [redacted]} {Apono [redacted]}", fmt.Sprintf("%v %#v", store, *store))
	data, err := json.Marshal(apono.CreateIntegrationInput{SecretStoreConfig: store})
	require.NoError(t, err)
	require.Contains(t, string(data), `"secret_store_config":{"apono":{"parameters":{"password":"[redacted]"}}}`)
}

// Most integrations have no store.
func TestNilSecretStoreIsLogged(t *testing.T) {
	t.Parallel()
	for way, text := range formatted((&apono.Integration{}).SecretStoreConfig) {
		require.NotContainsf(t, strings.ToLower(text), "panic", "%s must not panic", way)
	}
}

func TestCredentialsReveal(t *testing.T) {
	t.Parallel()
	secrets := apono.Secrets{"password": password}
	revealed := secrets.Reveal()
	require.Equal(t, "map[password:hunter2-<&>]", fmt.Sprint(revealed))
	revealed["password"] = "edited"
	require.Equal(t, password, secrets["password"])
	require.Nil(t, apono.Secrets(nil).Reveal())
}

// Requests must contain the credentials, not their masks.
func TestRequestsContainCredentials(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake).Integrations
	_, err := client.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: credentials()})
	require.NoError(t, err)
	_, err = client.Update(t.Context(), "i1", apono.UpdateIntegrationInput{SecretStoreConfig: credentials()})
	require.NoError(t, err)
	const store = `"integration_config":{},"secret_store_config":{"apono":{"parameters":{"password":"hunter2-<&>"}}}}`
	require.Equal(t, `{"name":"","type":"",`+store, fake.Requests()[0].Body)
	require.Equal(t, `{"name":"",`+store, fake.Requests()[1].Body)
	apitest.JSONEq(t, `{"name":"","x":1,`+store, updated(t, `{"x":1,`+store, asRead))
}

// Programs may put values of this package into maps, for Client.Do or in the config.
func TestRequestsContainCredentialsInFreeFormValues(t *testing.T) {
	t.Parallel()
	fake := script.New(t, script.Response{Body: apitest.AnyObject}, script.Response{Body: apitest.AnyObject})
	client := apitest.NewClient(t, fake)
	require.NoError(t, client.Do(t.Context(), "PUT", "/api/admin/v5/stores/s1", nil, map[string]any{
		"store": credentials(), "list": []any{*credentials()},
	}, nil))
	_, err := client.Integrations.Create(t.Context(), apono.CreateIntegrationInput{
		IntegrationConfig: map[string]any{"login": apono.Secrets{"password": password}},
	})
	require.NoError(t, err)
	const store = `{"apono":{"parameters":{"password":"hunter2-<&>"}}}`
	apitest.JSONEq(t, `{"store":`+store+`,"list":[`+store+`]}`, fake.Requests()[0].Body)
	apitest.JSONEq(t, `{"name":"","type":"","integration_config":{"login":{"password":"hunter2-<&>"}}}`, fake.Requests()[1].Body)
}

// An integration that was marshaled has masks in place of credentials. They must not be
// sent.
func TestMaskedCredentialsAreArgumentError(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(credentials())
	require.NoError(t, err)
	var store apono.SecretStoreConfig
	require.NoError(t, json.Unmarshal(data, &store))
	_, err = apitest.NewClient(t, apitest.NoRequest(t)).Integrations.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: &store})
	require.Equal(t, &apono.ArgumentError{
		Arg:    "in.SecretStoreConfig.Apono.Parameters",
		Reason: "must not contain [redacted]: objects that were printed or marshaled lack their credentials",
	}, apitest.ErrorAs[*apono.ArgumentError](t, err))
}
