package apono

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/apono-go/apono/internal/wire"
)

// SecretStoreConfig says where the credentials for a system are stored. Exactly
// one member is set. It prints as the name of that member.
type SecretStoreConfig struct {
	AWS *AWSSecretConfig `json:"aws,omitzero"`
	GCP *GCPSecretConfig `json:"gcp,omitzero"`
	// Kubernetes is a secret in the cluster of the connector.
	Kubernetes     *KubernetesSecretConfig     `json:"kubernetes,omitzero"`
	Azure          *AzureSecretConfig          `json:"azure,omitzero"`
	HashicorpVault *HashicorpVaultSecretConfig `json:"hashicorp_vault,omitzero"`
	// Apono stores the credentials at Apono itself, which Apono discourages.
	Apono *SecretConfig `json:"apono,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// SecretStoreType is a kind of secret store, in the catalog and in version 2.
// The API may return other values.
type SecretStoreType string

// The known kinds of secret stores.
const (
	SecretStoreTypeAWS            SecretStoreType = "AWS"
	SecretStoreTypeGCP            SecretStoreType = "GCP"
	SecretStoreTypeAzure          SecretStoreType = "AZURE"
	SecretStoreTypeKubernetes     SecretStoreType = "KUBERNETES"
	SecretStoreTypeHashicorpVault SecretStoreType = "HASHICORP_VAULT" //nolint:gosec // a name, no credentials
)

// AWSSecretConfig points to a secret in AWS Secrets Manager.
type AWSSecretConfig struct {
	Region string `json:"region"`
	// SecretID is a name or an ARN.
	SecretID string `json:"secret_id"`

	Extra Extra `json:",embed,inline"`
}

// GCPSecretConfig points to a secret in Google Secret Manager.
type GCPSecretConfig struct {
	// Project is the id of the project.
	Project  string `json:"project"`
	SecretID string `json:"secret_id"`

	Extra Extra `json:",embed,inline"`
}

// KubernetesSecretConfig points to a Kubernetes secret.
type KubernetesSecretConfig struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// AzureSecretConfig points to a secret in an Azure Key Vault.
type AzureSecretConfig struct {
	VaultURL string `json:"vault_url"`
	Name     string `json:"name"`

	Extra Extra `json:",embed,inline"`
}

// HashicorpVaultSecretConfig points to a secret in HashiCorp Vault.
type HashicorpVaultSecretConfig struct {
	SecretEngine string `json:"secret_engine"`
	// Path is the path in the secret engine.
	Path string `json:"path"`

	Extra Extra `json:",embed,inline"`
}

// SecretConfig holds credentials that are stored at Apono.
type SecretConfig struct {
	// Parameters holds the credentials; their names depend on the kind of
	// system.
	Parameters Secrets `json:"parameters"`

	Extra Extra `json:",embed,inline"`
}

// Format prints the names of the credentials, with every verb.
func (c SecretConfig) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, "{Parameters:", c.Parameters, "}")
}

// Format prints the name of the store, with every verb.
func (s SecretStoreConfig) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "{"+s.kind()+" "+redacted+"}")
}

// LogValue implements [slog.LogValuer] and returns the name of the store.
func (s *SecretStoreConfig) LogValue() slog.Value {
	if s == nil {
		return slog.Value{}
	}
	return slog.StringValue(s.kind() + " " + redacted)
}

func (s SecretStoreConfig) kind() string { return strings.Join(setOf(s.stores()), " ") }

// stores returns the members and which of them are set.
func (s SecretStoreConfig) stores() []member {
	return []member{
		{"AWS", s.AWS != nil}, {"GCP", s.GCP != nil}, {"Kubernetes", s.Kubernetes != nil},
		{"Azure", s.Azure != nil}, {"HashicorpVault", s.HashicorpVault != nil}, {"Apono", s.Apono != nil},
	}
}

func (s *SecretStoreConfig) check(arg string) error {
	if s == nil {
		return nil
	}
	if s.Apono != nil {
		if err := checkUnmasked(arg+".Apono.Parameters", s.Apono.Parameters); err != nil {
			return err
		}
	}
	return exactlyOne(arg, s.Extra, s.stores()...)
}

// input returns the config, or nil if it is empty: the API returns an empty
// config and does not accept one.
func (s *SecretStoreConfig) input() *SecretStoreConfig {
	if s == nil || len(setOf(s.stores())) == 0 && len(s.Extra) == 0 {
		return nil
	}
	return s
}

// loggedStores writes a config inside a model as LogValue does.
var loggedStores = sync.OnceValue(func() *json.Marshalers {
	return json.MarshalToFunc(func(enc *jsontext.Encoder, s *SecretStoreConfig) error {
		return enc.WriteToken(jsontext.String(s.LogValue().String()))
	})
})

// The plain types have no methods, so their JSON is that of their fields.
type (
	plainSecretStoreConfig          SecretStoreConfig
	plainAWSSecretConfig            AWSSecretConfig
	plainGCPSecretConfig            GCPSecretConfig
	plainKubernetesSecretConfig     KubernetesSecretConfig
	plainAzureSecretConfig          AzureSecretConfig
	plainHashicorpVaultSecretConfig HashicorpVaultSecretConfig
	plainSecretConfig               SecretConfig
)

// MarshalJSON writes the fields, and the names only of the members in Extra.
func (s SecretStoreConfig) MarshalJSON() ([]byte, error) {
	return wire.MarshalRedacted(plainSecretStoreConfig(s))
}

func (s SecretStoreConfig) revealed() any { return plainSecretStoreConfig(s) }

// MarshalJSON writes the fields, and the names only of the members in Extra.
func (c AWSSecretConfig) MarshalJSON() ([]byte, error) {
	return wire.MarshalRedacted(plainAWSSecretConfig(c))
}

func (c AWSSecretConfig) revealed() any { return plainAWSSecretConfig(c) }

// MarshalJSON writes the fields, and the names only of the members in Extra.
func (c GCPSecretConfig) MarshalJSON() ([]byte, error) {
	return wire.MarshalRedacted(plainGCPSecretConfig(c))
}

func (c GCPSecretConfig) revealed() any { return plainGCPSecretConfig(c) }

// MarshalJSON writes the fields, and the names only of the members in Extra.
func (c KubernetesSecretConfig) MarshalJSON() ([]byte, error) {
	return wire.MarshalRedacted(plainKubernetesSecretConfig(c))
}

func (c KubernetesSecretConfig) revealed() any { return plainKubernetesSecretConfig(c) }

// MarshalJSON writes the fields, and the names only of the members in Extra.
func (c AzureSecretConfig) MarshalJSON() ([]byte, error) {
	return wire.MarshalRedacted(plainAzureSecretConfig(c))
}

func (c AzureSecretConfig) revealed() any { return plainAzureSecretConfig(c) }

// MarshalJSON writes the fields, and the names only of the members in Extra.
func (c HashicorpVaultSecretConfig) MarshalJSON() ([]byte, error) {
	return wire.MarshalRedacted(plainHashicorpVaultSecretConfig(c))
}

func (c HashicorpVaultSecretConfig) revealed() any { return plainHashicorpVaultSecretConfig(c) }

// MarshalJSON writes the fields, and the names only of the members in Extra.
func (c SecretConfig) MarshalJSON() ([]byte, error) {
	return wire.MarshalRedacted(plainSecretConfig(c))
}

func (c SecretConfig) revealed() any { return plainSecretConfig(c) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (c AWSSecretConfig) LogValue() slog.Value { return logValue(c) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (c GCPSecretConfig) LogValue() slog.Value { return logValue(c) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (c KubernetesSecretConfig) LogValue() slog.Value { return logValue(c) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (c AzureSecretConfig) LogValue() slog.Value { return logValue(c) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (c HashicorpVaultSecretConfig) LogValue() slog.Value { return logValue(c) }

// LogValue implements [slog.LogValuer] and redacts the members in Extra.
func (c SecretConfig) LogValue() slog.Value { return logValue(c) }
