package apono_test

import (
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

func TestEverySecretStoreIsReadAndSent(t *testing.T) {
	t.Parallel()
	for body, store := range map[string]apono.SecretStoreConfig{
		`{"aws":{"region":"r","secret_id":"s"}}`:               {AWS: &apono.AWSSecretConfig{Region: "r", SecretID: "s"}},
		`{"gcp":{"project":"p","secret_id":"s"}}`:              {GCP: &apono.GCPSecretConfig{Project: "p", SecretID: "s"}},
		`{"kubernetes":{"namespace":"ns","name":"n"}}`:         {Kubernetes: &apono.KubernetesSecretConfig{Namespace: "ns", Name: "n"}},
		`{"azure":{"vault_url":"https://v","name":"n"}}`:       {Azure: &apono.AzureSecretConfig{VaultURL: "https://v", Name: "n"}},
		`{"hashicorp_vault":{"secret_engine":"e","path":"p"}}`: {HashicorpVault: &apono.HashicorpVaultSecretConfig{SecretEngine: "e", Path: "p"}},
		`{"apono":{"parameters":{"user":"u"}}}`:                {Apono: &apono.SecretConfig{Parameters: secrets("user", "u")}},
	} {
		fake := script.New(t, script.Response{Body: `{"id":"i","secret_store_config":` + body + `}`})
		got, err := apitest.NewClient(t, fake).Integrations.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: &store})
		require.NoError(t, err)
		require.Equal(t, &store, got.SecretStoreConfig)
		apitest.JSONEq(t, `{"name":"","type":"","integration_config":{},"secret_store_config":`+body+`}`, fake.Requests()[0].Body)
	}
}

func TestEditingStoreOfUpdateInputDoesNotChangeIntegration(t *testing.T) {
	t.Parallel()
	stores := func() apono.SecretStoreConfig {
		return apono.SecretStoreConfig{
			GCP: &apono.GCPSecretConfig{Project: "p"}, Kubernetes: &apono.KubernetesSecretConfig{Name: "n"},
			Azure: &apono.AzureSecretConfig{Name: "n"}, HashicorpVault: &apono.HashicorpVaultSecretConfig{Path: "p"},
			Apono: &apono.SecretConfig{Parameters: secrets("user", "u")},
		}
	}
	read := stores()
	in := (&apono.Integration{SecretStoreConfig: &read}).UpdateInput()
	in.SecretStoreConfig.GCP.Project = "edited"
	in.SecretStoreConfig.Kubernetes.Name = "edited"
	in.SecretStoreConfig.Azure.Name = "edited"
	in.SecretStoreConfig.HashicorpVault.Path = "edited"
	in.SecretStoreConfig.Apono.Parameters["user"] = apono.NewSecret("edited")
	require.Equal(t, stores(), read)
}

func TestUpdateKeepsUnknownSecretStore(t *testing.T) {
	t.Parallel()
	body := updated(t, `{"secret_store_config": {"oracle_vault": {"ocid": "o"}}}`, asRead)
	apitest.JSONEq(t, `{"name":"","integration_config":{},"secret_store_config":{"oracle_vault":{"ocid":"o"}}}`, body)
}

// Setting a known store must remove the unknown one, because the API rejects two.
func TestKnownSecretStoreReplacesUnknownOne(t *testing.T) {
	t.Parallel()
	body := updated(t, `{"secret_store_config": {"oracle_vault": {"ocid": "o"}}}`, func(in *apono.UpdateIntegrationInput) {
		in.SecretStoreConfig = &apono.SecretStoreConfig{AWS: &apono.AWSSecretConfig{Region: "r", SecretID: "s"}}
	})
	apitest.JSONEq(t, `{"name":"","integration_config":{},"secret_store_config":{"aws":{"region":"r","secret_id":"s"}}}`, body)
}

func TestSecretStoreConfigWithoutExactlyOneStoreIsArgumentError(t *testing.T) {
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
			client := apitest.NewClient(t, apitest.NoRequest(t)).Integrations
			_, createErr := client.Create(t.Context(), apono.CreateIntegrationInput{SecretStoreConfig: &store})
			_, updateErr := client.Update(t.Context(), "i1", apono.UpdateIntegrationInput{SecretStoreConfig: &store})
			for _, err := range []error{createErr, updateErr} {
				require.ErrorAs(t, err, new(*apono.ArgumentError))
				require.EqualError(t, err, "apono: argument in.SecretStoreConfig: exactly one of AWS, GCP, Kubernetes, Azure, "+
					"HashicorpVault and Apono must be set, but "+found)
			}
		})
	}
}

// The API returns empty store configs but rejects them in requests.
func TestEmptySecretStoreConfigIsNotSent(t *testing.T) {
	t.Parallel()
	apitest.JSONEq(t, `{"name":"","integration_config":{}}`, updated(t, `{"secret_store_config": {}}`, asRead))
}
