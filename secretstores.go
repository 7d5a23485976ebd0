package apono

// SecretStoreConfig is the place where the credentials for a system are stored. Exactly
// one field is set. The Extra of a store holds Secrets, because a newer kind of store may
// contain credentials.
type SecretStoreConfig struct {
	AWS            *AWSSecretConfig            `json:"aws,omitzero"`
	GCP            *GCPSecretConfig            `json:"gcp,omitzero"`
	Kubernetes     *KubernetesSecretConfig     `json:"kubernetes,omitzero"` // in the connector's cluster
	Azure          *AzureSecretConfig          `json:"azure,omitzero"`
	HashicorpVault *HashicorpVaultSecretConfig `json:"hashicorp_vault,omitzero"`
	Apono          *SecretConfig               `json:"apono,omitzero"` // discouraged by Apono

	Extra map[string]Secret `json:",embed,inline"`
}

// SecretStoreType is a type of secret store.
type SecretStoreType string

// Known types of secret stores. The API may return others.
const (
	SecretStoreTypeAWS            SecretStoreType = "AWS"
	SecretStoreTypeGCP            SecretStoreType = "GCP"
	SecretStoreTypeAzure          SecretStoreType = "AZURE"
	SecretStoreTypeKubernetes     SecretStoreType = "KUBERNETES"
	SecretStoreTypeHashicorpVault SecretStoreType = "HASHICORP_VAULT" //nolint:gosec // a name, no credentials
)

// AWSSecretConfig points to a secret in AWS Secrets Manager.
type AWSSecretConfig struct {
	Region   string `json:"region"`
	SecretID string `json:"secret_id"` // a name or an ARN

	Extra map[string]Secret `json:",embed,inline"`
}

// GCPSecretConfig points to a secret in Google Secret Manager.
type GCPSecretConfig struct {
	Project  string `json:"project"` // ID of the project
	SecretID string `json:"secret_id"`

	Extra map[string]Secret `json:",embed,inline"`
}

// KubernetesSecretConfig points to a Kubernetes secret.
type KubernetesSecretConfig struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`

	Extra map[string]Secret `json:",embed,inline"`
}

// AzureSecretConfig points to a secret in an Azure Key Vault.
type AzureSecretConfig struct {
	VaultURL string `json:"vault_url"`
	Name     string `json:"name"`

	Extra map[string]Secret `json:",embed,inline"`
}

// HashicorpVaultSecretConfig points to a secret in HashiCorp Vault.
type HashicorpVaultSecretConfig struct {
	SecretEngine string `json:"secret_engine"`
	Path         string `json:"path"` // in the secret engine

	Extra map[string]Secret `json:",embed,inline"`
}

// SecretConfig holds credentials that are stored by Apono.
type SecretConfig struct {
	// Parameters are the credentials. Their names depend on the type of system.
	Parameters map[string]Secret `json:"parameters"`

	Extra map[string]Secret `json:",embed,inline"`
}

// stores returns the stores and which of them are set.
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
	return exactlyOne(arg, len(s.Extra), s.stores()...)
}

// input returns the config, or nil if it is empty, because the API returns empty
// configs but does not accept them.
func (s *SecretStoreConfig) input() *SecretStoreConfig {
	if s == nil || len(setMemberNames(s.stores())) == 0 && len(s.Extra) == 0 {
		return nil
	}
	return s
}
