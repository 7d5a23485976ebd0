package aponotest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// system is an integration type of the demo tenant.
type system struct {
	integrationType, label string
	settings               []string // names, starting with the required one
	secrets                bool     // whether it needs credentials
	resourceTypes          []string // nil for identity providers
	permissions            []string
}

// isDatabase reports whether the system is a database. Each team has two of them.
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

// catalog is the integration catalog of every server.
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

// demoDays is the number of days with activity.
const demoDays = 60

// demoArchive is the suffix of a team's second database.
const demoArchive = "-archive"

// Names and dates of the demo tenant.
var (
	demoStages = []string{"production", "staging", "development"}
	demoTeams  = []string{"orders", "payments", "billing", "catalog", "search", "identity", "shipping", "support", "analytics", "platform"}
	demoPeople = []string{"Ada", "Ben", "Chen", "Dana", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jonas"}

	demoCreated = time.Date(2026, time.January, 31, 8, 0, 0, 0, time.UTC)
)

// seedDemo adds the demo tenant. Each of ten teams has, in each of three stages, one
// integration of most types and two databases of each database type.
func (s *Server) seedDemo() {
	defer s.lock()()
	for i, stage := range demoStages {
		seen := s.demoEnd().Add(time.Duration(i) * time.Hour).Format(time.RFC3339)
		s.seed(Connectors, object{
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
			s.seed(Users, object{
				"id": fmt.Sprintf("user-%02d-%02d", i, j), "email": emailOf(first, team), "email_aliases": []any{},
				"first_name": first, "last_name": "of " + team, "active": i != len(demoPeople)-1, "roles": []any{"Viewer"},
				"source_integration_id": "google-idp", "source_integration_name": "google-idp",
				"attributes": object{"team": team},
			})
		}
	}
	for _, team := range demoTeams {
		s.seedTeam(team)
	}
	s.seed(Groups, object{
		"id": "group-leads", "name": "Team leads", "source_id": "leads@example.com",
		"source_integration_id": "google-idp", "source_integration_name": "google-idp",
	})
	for _, team := range demoTeams {
		s.seed(MembersOf("group-leads"), object{"email": emailOf(demoPeople[2], team)})
	}
	s.seedFlows()
	if !s.withoutSpaces {
		s.seedSpaces()
	}
	s.seedActivity()
}

// seed adds objects of the demo tenant without the checks and the copies of put, which
// would take most of the time of a start. A test checks that put accepts them.
func (s *Server) seed(c Collection, objects ...object) {
	r := resources[c.kind()]
	for _, o := range objects {
		r.finish(s, o)
		s.store.put(c, o)
	}
}

// seedTeam adds a team's group, attributes and on-call bundle.
func (s *Server) seedTeam(team string) {
	s.seed(Groups, object{"id": "group-" + team, "name": team})
	for _, first := range demoPeople {
		s.seed(MembersOf("group-"+team), object{"email": emailOf(first, team)})
	}
	s.seed(Attributes,
		object{"type": "team", "value": team, "source_integration_id": "google-idp", "source_integration_name": "google-idp"},
		object{"type": "pagerduty_shift", "value": team + " on call", "source_integration_id": "pagerduty", "source_integration_name": "pagerduty"},
	)
	s.seed(Bundles, object{
		"id": "bundle-" + team, "name": titled(team) + " on-call", "creation_date": demoSince(0), "update_date": demoSince(0),
		"access_targets": []any{
			demoTarget("postgresql-production-"+team, "postgresql-database", "READ_ONLY", "READ_WRITE"),
			demoTarget("k8s-roles-production-"+team, "k8s-roles-namespace", "view", "edit"),
		},
	})
}

// seedFlows adds access flows. Some are insecure, as findings for audit programs.
func (s *Server) seedFlows() {
	s.seed(Scopes, object{
		"id": "scope-production", "name": "Production databases", "description": "Every database of the production stage",
		"query":         `resource_type in ("postgresql-database", "mysql-database") and integration contains "production"`,
		"creation_date": demoSince(0), "update_date": demoSince(1),
	})
	for _, team := range demoTeams {
		flow := demoFlow("flow-"+team, titled(team)+" on-call", demoCondition("", "group", "group-"+team),
			object{"bundle": object{"bundle_id": "bundle-" + team, "bundle_name": titled(team) + " on-call"}})
		flow["settings"] = demoSettings(true, "production")
		flow["grant_duration_in_min"] = json.Number("60")
		flow["approver_policy"] = object{"approval_mode": "ANY_OF", "approver_groups": []any{object{
			"logical_operator": "OR", "approvers": []any{demoCondition("google-idp", "user", emailOf(demoPeople[0], team))},
		}}}
		s.seed(AccessFlows, flow)
	}
	glass := demoFlow("flow-break-glass", "Break glass", demoCondition("google-idp", "team", "platform"),
		object{"access_scope": object{"access_scope_id": "scope-production", "access_scope_name": "Production databases"}})
	glass["description"] = "For emergencies only"
	glass["settings"] = demoSettings(false, "production", "emergency")
	staging := demoFlow("flow-staging", "Staging for everybody", demoCondition("google-idp", "team", "*"),
		demoTarget("mysql-staging-orders", "mysql-database", "READ_ONLY"))
	staging["settings"] = demoSettings(false, "staging")
	staging["grant_duration_in_min"] = json.Number("480")
	shift := demoFlow("flow-shift", "Support shift", demoCondition("pagerduty", "pagerduty_shift", "support on call"),
		demoTarget("aws-account-production-support", "aws-account-s3-bucket", "ReadOnlyAccess"))
	shift["trigger"], shift["settings"] = "AUTOMATIC", demoSettings(false)
	s.seed(AccessFlows, glass, staging, shift)
}

// seedSpaces adds two spaces, the content of one of them, and a flow for agents.
func (s *Server) seedSpaces() {
	orders := object{
		"id": "space-scope-orders", "name": "Orders resources", "query": `integration contains "orders"`,
		"created_date": demoSince(0), "updated_date": demoSince(0),
	}
	shared := object{
		"id": "space-scope-staging", "name": "Staging resources", "query": `integration contains "staging"`,
		"created_date": demoSince(0), "updated_date": demoSince(2),
	}
	s.seed(SpaceScopes, orders, shared)
	s.seed(Spaces,
		object{
			"id": "space-orders", "name": "Orders", "space_scopes": []any{orders},
			"created_date": demoSince(1), "updated_date": demoSince(1),
		},
		object{
			"id": "space-platform", "name": "Platform engineering", "space_scopes": []any{orders, shared},
			"created_date": demoSince(1), "updated_date": demoSince(3),
		})
	s.seed(SpaceMembersOf("space-orders"),
		demoMember(aUser, "user-00-00", "SpaceOwner"), demoMember(aGroup, "group-orders", "SpaceManager"))
	s.seed(SpaceMembersOf("space-platform"),
		demoMember(aGroup, "group-platform", "SpaceOwner"), demoMember(aUser, "user-01-09", "SpaceManager"))

	space := object{"space_id": "space-orders", "space_name": "Orders"}
	s.seed(Scopes, object{
		"id": "scope-orders", "name": "Orders databases", "space": space,
		"query":         `resource_type in ("postgresql-database", "mysql-database") and integration contains "orders"`,
		"creation_date": demoSince(1), "update_date": demoSince(1),
	})
	s.seed(Bundles, object{
		"id": "bundle-orders-staging", "name": "Orders staging", "description": "To try things out", "space": space,
		"creation_date": demoSince(1), "update_date": demoSince(1),
		"access_targets": []any{
			demoTarget("postgresql-staging-orders", "postgresql-database", "READ_ONLY"),
			object{"access_scope": object{"access_scope_id": "scope-orders", "access_scope_name": "Orders databases"}},
		},
	})
	staging := demoFlow("flow-orders-staging", "Orders staging", demoCondition("", "group", "group-orders"),
		object{"bundle": object{"bundle_id": "bundle-orders-staging", "bundle_name": "Orders staging"}})
	staging["space"] = space
	staging["settings"] = demoSettings(false, "staging")
	staging["grant_duration_in_min"] = json.Number("240")
	staging["approver_policy"] = object{"approval_mode": "ANY_OF", "approver_groups": []any{object{
		"logical_operator": "OR", "approvers": []any{demoCondition("google-idp", "user", emailOf(demoPeople[0], demoTeams[0]))},
	}}}
	agents := demoFlow("flow-agents", "Agents in development", demoCondition("google-idp", "team", "analytics"),
		object{"query_target": object{"query": `resource_type = "postgresql-database" and integration contains "development"`}})
	agents["requestor_identity_type"] = "AGENT"
	agents["settings"] = demoSettings(false)
	agents["grant_duration_in_min"] = json.Number("30")
	s.seed(AccessFlows, staging, agents)
}

// demoMember returns a member of a space. The server adds its name.
func demoMember(kind, id, role string) object {
	return object{"identity_type": kind, "identity_id": id, "space_roles": []any{role}, "name": ""}
}

func demoFlow(id, name string, requestors, target object) object {
	return object{
		"id": id, "name": name, "active": true, "trigger": "SELF_SERVE", "creation_date": demoSince(0),
		"requestors":     object{"logical_operator": "OR", "conditions": []any{requestors}},
		"access_targets": []any{target},
	}
}

// demoCondition returns a condition. The source is empty for groups of Apono itself.
func demoCondition(source, attribute, value string) object {
	condition := object{"type": attribute, "match_operator": "is", "values": []any{value}}
	if source != "" {
		condition["source_integration_id"], condition["source_integration_name"] = source, source
	}
	return condition
}

func demoTarget(integration, resourceType string, permissions ...any) object {
	return object{"integration": object{
		"integration_id": integration, "integration_name": integration, "resource_type": resourceType, "permissions": permissions,
	}}
}

func demoSettings(mfa bool, labels ...any) object {
	return object{
		"justification_required": mfa, "require_approver_reason": false, "requestor_cannot_approve_himself": mfa,
		"require_mfa": mfa, "labels": append([]any{}, labels...),
	}
}

// demoDay returns the time of the access requests of day n, relative to the server's clock:
// the last of demoDays is yesterday.
func (s *Server) demoDay(n int) time.Time {
	return s.clock().UTC().Truncate(24*time.Hour).AddDate(0, 0, n-demoDays).Add(8 * time.Hour)
}

// demoEnd returns a time after the last access request.
func (s *Server) demoEnd() time.Time { return s.demoDay(demoDays - 1).Add(2 * time.Hour) }

// demoSince returns day n of the month in which the objects were created.
func demoSince(n int) string { return demoCreated.AddDate(0, 0, n).Format(time.RFC3339) }

func emailOf(first, team string) string {
	return fmt.Sprintf("%s.%s@example.com", strings.ToLower(first), team)
}

func titled(team string) string { return strings.ToUpper(team[:1]) + team[1:] }

func (s *Server) seedPeople(sys system) {
	s.seed(Integrations, object{
		"id": sys.integrationType, "name": sys.integrationType, "type": sys.integrationType,
		"last_sync_time": s.demoEnd().Format(time.RFC3339), "integration_config": sys.config(sys.integrationType),
	})
}

// seedSystem adds an integration with its resources and permissions. Every thirteenth
// has the status ERROR.
func (s *Server) seedSystem(sys system, stage, team string, n int) {
	id := fmt.Sprintf("%s-%s-%s", sys.integrationType, stage, team)
	var connected []any
	for _, resourceType := range sys.resourceTypes {
		connected = append(connected, resourceType)
	}
	integration := object{
		"id": id, "name": id, "type": sys.integrationType, "status": "ACTIVE", "connector_id": stage + "-connector",
		"last_sync_time":           s.demoEnd().Add(time.Duration(n) * time.Minute).Format(time.RFC3339),
		"integration_config":       sys.config(team),
		"connected_resource_types": connected,
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
	s.seed(Integrations, integration)
	for _, resourceType := range sys.resourceTypes {
		s.seed(ResourcesOf(id), object{
			"id": id + "-" + resourceType, "name": team, "type": resourceType, "status": object{"status": "Active"},
		})
		for _, permission := range sys.permissions {
			s.seed(PermissionsOf(id), object{
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
