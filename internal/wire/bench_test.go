package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/wire"
)

// integration has the shape of the models that pages are made of.
type integration struct {
	ID                     string         `json:"id"`
	Name                   string         `json:"name"`
	Type                   string         `json:"type"`
	Category               string         `json:"category"`
	ConnectorID            *string        `json:"connector_id,omitzero"`
	Status                 string         `json:"status"`
	LastSyncTime           *time.Time     `json:"last_sync_time,omitzero"`
	IntegrationConfig      map[string]any `json:"integration_config"`
	SecretStoreConfig      *secretStore   `json:"secret_store_config,omitzero"`
	ConnectedResourceTypes []string       `json:"connected_resource_types,omitzero"`
	CustomAccessDetails    *string        `json:"custom_access_details,omitzero"`
	Owner                  *owner         `json:"owner,omitzero"`
	OwnersMapping          *ownersMapping `json:"owners_mapping,omitzero"`
}

type secretStore struct {
	AWS *struct {
		Region   string `json:"region"`
		SecretID string `json:"secret_id"`
	} `json:"aws,omitzero"`
}

type owner struct {
	AttributeType         string   `json:"attribute_type"`
	AttributeValue        []string `json:"attribute_value"`
	SourceIntegrationID   *string  `json:"source_integration_id,omitzero"`
	SourceIntegrationName *string  `json:"source_integration_name,omitzero"`
}

type ownersMapping struct {
	KeyName               string  `json:"key_name"`
	AttributeType         string  `json:"attribute_type"`
	SourceIntegrationID   *string `json:"source_integration_id,omitzero"`
	SourceIntegrationName *string `json:"source_integration_name,omitzero"`
}

type integrationPage struct {
	Data       []*integration `json:"data"`
	Pagination struct {
		Total  int64 `json:"total"`
		Limit  int64 `json:"limit"`
		Offset int64 `json:"offset"`
	} `json:"pagination"`
}

// integrationJSON is about 1 KB. %d is the number of the integration.
const integrationJSON = `{
      "id": "6f1c2a44-9c1e-4f57-8f7a-0d5c2b7f%04[1]d",
      "name": "Orders database %[1]d",
      "type": "postgresql",
      "category": "RESOURCES",
      "connector_id": "connector-eu-west-1",
      "status": "ACTIVE",
      "last_sync_time": "2026-03-05T07:08:09.123456789Z",
      "integration_config": {
        "hostname": "orders-%[1]d.cluster-c1x2y3z4.eu-west-1.rds.amazonaws.com",
        "port": "5432",
        "dbname": "orders",
        "sslmode": "require",
        "credentials_rotation_period_in_days": "90",
        "credentials_cleanup_period_in_days": "30"
      },
      "secret_store_config": {"aws": {"region": "eu-west-1", "secret_id": "orders/apono"}},
      "connected_resource_types": ["postgresql-database", "postgresql-schema", "postgresql-table"],
      "owner": {
        "attribute_type": "group",
        "attribute_value": ["group-7"],
        "source_integration_id": "idp-1",
        "source_integration_name": "Okta"
      }
    }`

func pageJSON() []byte {
	items := make([]string, 100)
	for i := range items {
		items[i] = fmt.Sprintf(integrationJSON, i)
	}
	return []byte(`{"data": [` + strings.Join(items, ", ") + `], "pagination": {"total": 100, "limit": 100, "offset": 0}}`)
}

func BenchmarkDecodePage(b *testing.B) { benchmarkDecodePage(b, pageJSON(), false) }

// BenchmarkDecodeUnknown decodes a page whose objects have members that no field
// takes.
func BenchmarkDecodeUnknown(b *testing.B) {
	benchmarkDecodePage(b, bytes.ReplaceAll(pageJSON(), []byte(`"name":`), []byte(`"new": {"a": [1]}, "name":`)), true)
}

func benchmarkDecodePage(b *testing.B, data []byte, wantUnknown bool) {
	b.Helper()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var page integrationPage
		unknown, err := wire.UnmarshalKnown(data, &page)
		check.NoError(b, err)
		check.True(b, unknown == wantUnknown && len(page.Data) == 100, "100 integrations, unknown members: %v", wantUnknown)
	}
}

func BenchmarkDecodeOne(b *testing.B) {
	data := fmt.Appendf(nil, integrationJSON, 1)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var one integration
		check.NoError(b, wire.Unmarshal(data, &one))
	}
}

// accessFlow has the shape of the inputs that are sent.
type accessFlow struct {
	Name               string         `json:"name"`
	Active             bool           `json:"active"`
	Trigger            string         `json:"trigger"`
	GrantDurationInMin *int64         `json:"grant_duration_in_min,omitzero"`
	Requestors         *conditions    `json:"requestors,omitzero"`
	AccessTargets      []accessTarget `json:"access_targets"`
	Approvers          *conditions    `json:"approver_policy,omitzero"`
	Settings           map[string]any `json:"settings,omitzero"`
	Labels             []string       `json:"labels,omitzero"`
}

type conditions struct {
	LogicalOperator string      `json:"logical_operator"`
	Conditions      []condition `json:"conditions"`
}

type condition struct {
	Type          string   `json:"type"`
	MatchOperator string   `json:"match_operator"`
	Values        []string `json:"values"`
}

type accessTarget struct {
	Integration *struct {
		ID              string              `json:"integration_reference"`
		ResourceType    string              `json:"resource_type"`
		Permissions     []string            `json:"permissions"`
		ResourcesScopes []map[string]string `json:"resources_scopes,omitzero"`
	} `json:"integration,omitzero"`
	Bundle *place `json:"bundle,omitzero"`
}

const accessFlowJSON = `{
  "name": "On-call to production", "active": true, "trigger": "SELF_SERVE", "grant_duration_in_min": 60,
  "requestors": {"logical_operator": "OR", "conditions": [
    {"type": "group", "match_operator": "is", "values": ["group-7", "group-8"]},
    {"type": "user", "match_operator": "is", "values": ["ada@example.com"]}
  ]},
  "access_targets": [{"integration": {
    "integration_reference": "6f1c2a44-9c1e-4f57-8f7a-0d5c2b7f9e10", "resource_type": "postgresql-database",
    "permissions": ["READ_ONLY", "READ_WRITE"], "resources_scopes": [{"type": "NAME", "value": "orders"}]
  }}],
  "approver_policy": {"logical_operator": "AND", "conditions": [{"type": "manager", "match_operator": "is", "values": []}]},
  "settings": {"justification_required": true, "require_mfa": false, "labels": ["a", "b"]},
  "labels": ["production"]
}`

func BenchmarkEncodeAccessFlow(b *testing.B) {
	var in accessFlow
	check.NoError(b, wire.Unmarshal([]byte(accessFlowJSON), &in))
	benchmarkEncode(b, &in)
}

func BenchmarkEncode100KB(b *testing.B) {
	var in integrationPage
	check.NoError(b, wire.Unmarshal(pageJSON(), &in))
	benchmarkEncode(b, &in)
}

func benchmarkEncode(b *testing.B, in any) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		data, err := wire.Marshal(in)
		check.NoError(b, err)
		b.SetBytes(int64(len(data)))
	}
}
