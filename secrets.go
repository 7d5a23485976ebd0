package apono

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
)

const redacted = "[redacted]"

// Secrets are credentials by name. A value is read with an index, as from any
// map; printed, logged or marshaled to JSON the map shows the names only. Reveal
// returns a map that does not hide anything.
type Secrets map[string]string

// Reveal returns the credentials in a map that prints and marshals as it is.
func (s Secrets) Reveal() map[string]string { return maps.Clone(map[string]string(s)) }

// masked has the names of credentials and none of them.
func masked[V any](secrets map[string]V) map[string]string {
	if secrets == nil {
		return nil
	}
	names := make(map[string]string, len(secrets))
	for name := range secrets {
		names[name] = redacted
	}
	return names
}

// Format prints the names, with every verb.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, masked(s)) }

// LogValue gives the names.
func (s Secrets) LogValue() slog.Value { return slog.AnyValue(masked(s)) }

// MarshalJSON gives the names. Requests carry the values all the same.
func (s Secrets) MarshalJSON() ([]byte, error) { return json.Marshal(masked(s)) }

// SecretStoreConfig says where the credentials for a system are kept. Exactly
// one of its members is set. It prints as the name of that member.
type SecretStoreConfig struct {
	// AWS is a secret in AWS Secrets Manager.
	AWS *AWSSecretConfig `json:"aws,omitzero"`
	// GCP is a secret in Google Secret Manager.
	GCP *GCPSecretConfig `json:"gcp,omitzero"`
	// Kubernetes is a secret in the connector's cluster.
	Kubernetes *KubernetesSecretConfig `json:"kubernetes,omitzero"`
	// Azure is a secret in an Azure Key Vault.
	Azure *AzureSecretConfig `json:"azure,omitzero"`
	// HashicorpVault is a secret in HashiCorp Vault.
	HashicorpVault *HashicorpVaultSecretConfig `json:"hashicorp_vault,omitzero"`
	// Apono hands the credentials to Apono itself, which Apono discourages.
	Apono *SecretConfig `json:"apono,omitzero"`
}

// SecretStoreType is how the catalog and the older API name a kind of secret
// store. The API may answer values beyond the constants.
type SecretStoreType string

// The known kinds of secret stores.
const (
	// SecretStoreTypeAWS is AWS Secrets Manager.
	SecretStoreTypeAWS SecretStoreType = "AWS"
	// SecretStoreTypeGCP is Google Secret Manager.
	SecretStoreTypeGCP SecretStoreType = "GCP"
	// SecretStoreTypeAzure is Azure Key Vault.
	SecretStoreTypeAzure SecretStoreType = "AZURE"
	// SecretStoreTypeKubernetes is a Kubernetes secret.
	SecretStoreTypeKubernetes SecretStoreType = "KUBERNETES"
	// SecretStoreTypeHashicorpVault is HashiCorp Vault.
	SecretStoreTypeHashicorpVault SecretStoreType = "HASHICORP_VAULT" //nolint:gosec // a name, no credentials
)

// AWSSecretConfig points to a secret in AWS Secrets Manager.
type AWSSecretConfig struct {
	// Region is the AWS region.
	Region string `json:"region"`
	// SecretID is the secret's name or ARN.
	SecretID string `json:"secret_id"`
}

// GCPSecretConfig points to a secret in Google Secret Manager.
type GCPSecretConfig struct {
	// Project is the project's id.
	Project string `json:"project"`
	// SecretID is the secret's id.
	SecretID string `json:"secret_id"`
}

// KubernetesSecretConfig points to a Kubernetes secret.
type KubernetesSecretConfig struct {
	// Namespace is the secret's namespace.
	Namespace string `json:"namespace"`
	// Name is the secret's name.
	Name string `json:"name"`
}

// AzureSecretConfig points to a secret in an Azure Key Vault.
type AzureSecretConfig struct {
	// VaultURL is the vault's address.
	VaultURL string `json:"vault_url"`
	// Name is the secret's name.
	Name string `json:"name"`
}

// HashicorpVaultSecretConfig points to a secret in HashiCorp Vault.
type HashicorpVaultSecretConfig struct {
	// SecretEngine is the engine that keeps the secret.
	SecretEngine string `json:"secret_engine"`
	// Path is the secret's path in the engine.
	Path string `json:"path"`
}

// SecretConfig holds credentials that Apono keeps itself.
type SecretConfig struct {
	// Parameters are the credentials; their names depend on the kind of system.
	Parameters Secrets `json:"parameters"`
}

// Format prints the names of the credentials, with every verb.
func (c SecretConfig) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, "{Parameters:", c.Parameters, "}")
}

// Format prints which store is used, with every verb.
func (s SecretStoreConfig) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "{"+s.kind()+" "+redacted+"}")
}

// LogValue gives which store is used.
func (s *SecretStoreConfig) LogValue() slog.Value {
	if s == nil {
		return slog.Value{}
	}
	return slog.StringValue(s.kind() + " " + redacted)
}

func (s SecretStoreConfig) kind() string { return strings.Join(setOf(s.stores()), " ") }

// stores are the members, and which are set.
func (s SecretStoreConfig) stores() []member {
	return []member{
		{"AWS", s.AWS != nil}, {"GCP", s.GCP != nil}, {"Kubernetes", s.Kubernetes != nil},
		{"Azure", s.Azure != nil}, {"HashicorpVault", s.HashicorpVault != nil}, {"Apono", s.Apono != nil},
	}
}

func (SecretStoreConfig) isUnion() {}

func (s *SecretStoreConfig) check(arg string, fromServer bool) error {
	if s == nil {
		return nil
	}
	if s.Apono != nil {
		if err := checkUnmasked(arg+".Apono.Parameters", s.Apono.Parameters); err != nil {
			return err
		}
	}
	return exactlyOne(arg, fromServer, s.stores()...)
}

// checkUnmasked refuses to make the mask of credentials the credentials.
func checkUnmasked[V any](arg string, secrets map[string]V) error {
	for _, secret := range secrets {
		if any(secret) == any(redacted) {
			return &ArgumentError{
				Arg: arg, Reason: "it holds " + redacted + ": it comes from a printed or marshaled object, which has no credentials",
			}
		}
	}
	return nil
}

func (s *SecretStoreConfig) clone() *SecretStoreConfig {
	if s == nil {
		return nil
	}
	c := &SecretStoreConfig{
		AWS: clonePtr(s.AWS), GCP: clonePtr(s.GCP), Kubernetes: clonePtr(s.Kubernetes),
		Azure: clonePtr(s.Azure), HashicorpVault: clonePtr(s.HashicorpVault), Apono: clonePtr(s.Apono),
	}
	if c.Apono != nil {
		c.Apono.Parameters = maps.Clone(c.Apono.Parameters)
	}
	return c
}
