package aponotest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// system is a kind of integration of the demo tenant.
type system struct {
	integrationType, label string
	// settings are the names of the kind's settings, the required one first.
	settings []string
	// secrets says that the kind needs credentials.
	secrets bool
	// resourceTypes are what it holds; none for systems that know people.
	resourceTypes []string
	permissions   []string
}

// isDatabase says that each team of the demo tenant has a second one.
func (sys system) isDatabase() bool { return slices.Contains(sys.settings, "port") }

var systems = []system{
	{
		integrationType: "aws-account", label: "AWS account", settings: []string{"account_id", "region"},
		resourceTypes: []string{"aws-account-s3-bucket", "aws-account-iam-role", "aws-account-ec2-instance"},
		permissions:   []string{"ReadOnlyAccess", "Attach"},
	},
	{
		integrationType: "azure-subscription", label: "Azure subscription", settings: []string{"subscription_id"},
		resourceTypes: []string{"azure-subscription-sql-server"}, permissions: []string{"Contributor", "Reader"},
	},
	{
		integrationType: "gcp-organization", label: "Google Cloud organization", settings: []string{"organization_id"},
		resourceTypes: []string{"gcp-organization-bigquery-dataset"}, permissions: []string{"roles/bigquery.dataViewer"},
	},
	{
		integrationType: "postgresql", label: "PostgreSQL", settings: []string{"hostname", "port", "dbname"}, secrets: true,
		resourceTypes: []string{"postgresql-database", "postgresql-table"}, permissions: []string{"READ_ONLY", "READ_WRITE", "ADMIN"},
	},
	{
		integrationType: "mysql", label: "MySQL", settings: []string{"hostname", "port"}, secrets: true,
		resourceTypes: []string{"mysql-database"}, permissions: []string{"READ_ONLY", "READ_WRITE", "ADMIN"},
	},
	{
		integrationType: "k8s-roles", label: "Kubernetes", settings: []string{"cluster_name", "server_url"}, secrets: true,
		resourceTypes: []string{"k8s-roles-namespace", "k8s-roles-role"}, permissions: []string{"view", "edit", "admin"},
	},
	{
		integrationType: "ssh", label: "SSH servers", settings: []string{"hosts"}, secrets: true,
		resourceTypes: []string{"ssh-server"}, permissions: []string{"user", "root"},
	},
	{integrationType: "google-idp", label: "Google Workspace", settings: []string{"domain"}},
	{integrationType: "okta", label: "Okta", settings: []string{"domain"}, secrets: true},
	{integrationType: "pagerduty", label: "PagerDuty", settings: []string{"subdomain"}, secrets: true},
}

// catalog is what every server offers to integrate.
var catalog = func() []object {
	var entries []object
	for _, s := range systems {
		params := []any{}
		for i, name := range s.settings {
			params = append(params, object{"id": name, "label": name, "values": []any{}, "default": "", "optional": i > 0})
		}
		stores := []any{}
		if s.secrets {
			stores = []any{"AWS", "GCP", "AZURE", "KUBERNETES", "HASHICORP_VAULT"}
		}
		entries = append(entries, object{
			"type": s.integrationType, "name": s.label, "description": "Connects " + s.label + " to Apono",
			"params": params, "requires_secret": s.secrets, "supported_secret_types": stores,
		})
	}
	return entries
}()

// demoArchive marks the second database of a team.
const demoArchive = "-archive"

// The demo tenant's company.
var (
	demoStages = []string{"production", "staging", "development"}
	demoTeams  = []string{"orders", "payments", "billing", "catalog", "search", "identity", "shipping", "support", "analytics", "platform"}
	demoPeople = []string{"Ada", "Ben", "Chen", "Dana", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jonas"}
	demoStart  = time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)
)

// seedDemo builds the demo tenant: three stages, ten teams, and for each pair
// of them one integration of most kinds and two databases of each kind.
func (s *Server) seedDemo() {
	for i, stage := range demoStages {
		seen := demoStart.Add(time.Duration(i) * time.Hour).Format(time.RFC3339)
		s.Put(Connectors, object{
			"id": stage + "-connector", "name": stage, "status": "CONNECTED", "version": "1.7.4", "last_connected": seen,
			"is_latest_version": true, "cloud_provider_type": "AWS",
			"sessions": []any{object{
				"id": stage + "-session", "last_connected_time": seen,
				"metadata": object{"connector_version": "1.7.4", "cloud_provider_metadata": object{"region": "eu-central-1"}},
			}},
		})
	}
	for _, sys := range systems {
		if len(sys.resourceTypes) == 0 {
			s.seedPeople(sys)
			continue
		}
		for i, stage := range demoStages {
			for j, team := range demoTeams {
				s.seedSystem(sys, stage, team, i*len(demoTeams)+j)
				if sys.isDatabase() {
					s.seedSystem(sys, stage, team+demoArchive, i*len(demoTeams)+j)
				}
			}
		}
	}
	for i, first := range demoPeople {
		for j, team := range demoTeams {
			email := fmt.Sprintf("%s.%s@example.com", strings.ToLower(first), team)
			s.Put(Users, object{
				"id": fmt.Sprintf("user-%02d-%02d", i, j), "email": email, "email_aliases": []any{},
				"first_name": first, "last_name": "of " + team, "active": i != len(demoPeople)-1, "roles": []any{"Viewer"},
				"source_integration_id": "google-idp", "source_integration_name": "google-idp",
				"attributes": object{"team": team},
			})
		}
	}
	for _, team := range demoTeams {
		s.Put(Groups, object{"id": "group-" + team, "name": team})
	}
}

func (s *Server) seedPeople(sys system) {
	s.Put(Integrations, object{
		"id": sys.integrationType, "name": sys.integrationType, "type": sys.integrationType,
		"last_sync_time": demoStart.Format(time.RFC3339), "integration_config": sys.config(sys.integrationType),
	})
}

// seedSystem adds one integration with its resources and permissions; every
// thirteenth does not work, so that reports have something to show.
func (s *Server) seedSystem(sys system, stage, team string, n int) {
	id := fmt.Sprintf("%s-%s-%s", sys.integrationType, stage, team)
	integration := object{
		"id": id, "name": id, "type": sys.integrationType, "status": "ACTIVE", "connector_id": stage + "-connector",
		"last_sync_time":           demoStart.Add(time.Duration(n) * time.Minute).Format(time.RFC3339),
		"integration_config":       sys.config(team),
		"connected_resource_types": sys.resourceTypes,
		"owner": object{
			"attribute_type": "group", "attribute_value": []any{"group-" + strings.TrimSuffix(team, demoArchive)},
		},
	}
	if sys.secrets {
		integration["secret_store_config"] = object{"aws": object{"region": "eu-central-1", "secret_id": stage + "/" + team}}
	}
	if n%13 == 12 {
		integration["status"] = "ERROR"
		delete(integration, "last_sync_time")
	}
	s.Put(Integrations, integration)
	for _, resourceType := range sys.resourceTypes {
		s.Put(ResourcesOf(id), object{
			"id": id + "-" + resourceType, "name": team, "type": resourceType, "status": object{"status": "Active"},
		})
		for _, permission := range sys.permissions {
			s.Put(PermissionsOf(id), object{
				"id": id + "-" + resourceType + "-" + permission, "name": permission, "resource_type": resourceType,
			})
		}
	}
}

func (sys system) config(team string) object {
	config := object{}
	for _, name := range sys.settings {
		config[name] = team + ".example.com"
	}
	if _, ok := config["port"]; ok {
		config["port"] = "5432"
	}
	return config
}
