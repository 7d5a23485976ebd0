package apono_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"slices"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
)

// The server applies the filters. All of them must match, each with at least one of its
// values.
func ExampleIntegrationsService_ListAll() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	broken := client.Integrations.ListAll(context.Background(), apono.ListIntegrationsOptions{
		Name:   "*staging*",
		Type:   []string{"postgresql", "mysql"},
		Status: []apono.IntegrationStatus{apono.IntegrationStatusError},
	})
	for integration, err := range broken {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(integration.Name, integration.Status)
	}
	// Output:
	// postgresql-staging-billing ERROR
	// postgresql-staging-billing-archive ERROR
	// mysql-staging-billing ERROR
	// mysql-staging-billing-archive ERROR
}

// The catalog describes the configuration of each type of integration.
func ExampleIntegrationsService_GetCatalogEntry() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	kind, err := client.Integrations.GetCatalogEntry(context.Background(), "postgresql")
	if err != nil {
		log.Fatal(err)
	}
	for _, param := range kind.Params {
		fmt.Println(param.ID, "optional:", param.Optional)
	}
	fmt.Println("requires a secret:", kind.RequiresSecret)
	// Output:
	// hostname optional: false
	// port optional: true
	// dbname optional: true
	// requires a secret: true
}

// The integration refers to credentials in a secret store.
func ExampleIntegrationsService_Create() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	integration, err := client.Integrations.Create(context.Background(), apono.CreateIntegrationInput{
		Name:        "warehouse",
		Type:        "postgresql",
		ConnectorID: new("production-connector"),
		IntegrationConfig: map[string]any{
			"hostname": "warehouse.example.com", "port": "5432", "dbname": "warehouse", // all values are strings
		},
		SecretStoreConfig: &apono.SecretStoreConfig{
			AWS: &apono.AWSSecretConfig{Region: "eu-central-1", SecretID: "production/warehouse"},
		},
		ConnectedResourceTypes: []string{"postgresql-database"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(integration.Name, integration.Category)
	// Output: warehouse RESOURCES
}

// The name is case-insensitive.
func ExampleIntegrationsService_GetByName() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	for _, name := range []string{"Okta", "ldap"} {
		integration, err := client.Integrations.GetByName(ctx, name)
		switch {
		case errors.Is(err, apono.ErrNotFound):
			fmt.Println(name, "not found")
		case err != nil: // ErrAmbiguous if several integrations have the name
			log.Fatal(err)
		default:
			fmt.Println(integration.Name, integration.Category)
		}
	}
	// Output:
	// okta USER-INFORMATION
	// ldap not found
}

// Members of a group can request a bundle for one hour. A member of another group must
// approve.
func ExampleAccessFlowsService_Create() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	members := func(group string) []apono.ConditionInput {
		return []apono.ConditionInput{{
			Type: apono.ConditionTypeGroup, MatchOperator: new(apono.MatchOperatorIs), Values: []string{group},
		}}
	}
	flow, err := client.AccessFlows.Create(context.Background(), apono.AccessFlowInput{
		Name:               "Orders for support",
		Active:             true,
		Trigger:            apono.AccessFlowTriggerSelfServe,
		GrantDurationInMin: new(60),
		Requestors: apono.ConditionGroupInput{
			LogicalOperator: apono.LogicalOperatorOr, Conditions: members("group-support"),
		},
		AccessTargets: []apono.AccessTargetInput{
			{Bundle: &apono.TargetBundleInput{BundleReference: "Orders on-call"}},
		},
		ApproverPolicy: &apono.ApproverPolicyInput{
			ApprovalMode: apono.ApprovalModeAnyOf,
			ApproverGroups: []apono.ApproverGroupInput{
				{LogicalOperator: apono.LogicalOperatorOr, Approvers: members("group-orders")},
			},
		},
		Settings: apono.AccessFlowSettings{JustificationRequired: true, RequireMFA: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(flow.Name, "grants", flow.AccessTargets[0].Bundle.BundleName)
	// Output: Orders for support grants Orders on-call
}

// Require a second factor in every access flow with a label. UpdateInput keeps the other
// settings.
func ExampleAccessFlowsService_Update() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	for flow, err := range client.AccessFlows.ListAll(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if flow.Settings.RequireMFA || !slices.Contains(flow.Settings.Labels, "production") {
			continue
		}
		in := flow.UpdateInput()
		in.Settings.RequireMFA = true
		updated, err := client.AccessFlows.Update(ctx, flow.ID, in)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(updated.Name, updated.Settings.RequireMFA)
	}
	// Output: Break glass true
}

// References are ids or names. Responses have both.
func ExampleBundlesService_Create() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	bundle, err := client.Bundles.Create(context.Background(), apono.BundleInput{
		Name: "Orders investigation",
		AccessTargets: []apono.BundleTargetInput{
			{Integration: &apono.IntegrationAccessTargetInput{
				IntegrationReference: "postgresql-production-orders",
				ResourceType:         "postgresql-database",
				Permissions:          []string{"READ_ONLY"},
			}},
			{AccessScope: &apono.TargetScopeInput{AccessScopeReference: "Production databases"}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bundle.AccessTargets[0].Integration.IntegrationName)
	fmt.Println(bundle.AccessTargets[1].AccessScope.AccessScopeID)
	// Output:
	// postgresql-production-orders
	// scope-production
}

// A scope is a query in the Apono Query Language. Access flows and bundles refer to it.
func ExampleScopesService_Create() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	scope, err := client.Scopes.Create(context.Background(), apono.AccessScopeInput{
		Name:  "Staging databases",
		Query: `resource_type in ("postgresql-database", "mysql-database") and integration contains "staging"`,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scope.Name)
	// Output: Staging databases
}

// The report covers the last seven days and is sent every Monday at nine.
func ExampleReportsService_Create() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	report, err := client.Reports.Create(context.Background(), apono.ActivityReportInput{
		Name: "Weekly access to orders",
		Fields: []apono.ReportField{
			apono.ReportFieldRequestDate, apono.ReportFieldRequestorEmail,
			apono.ReportFieldResources, apono.ReportFieldApproverEmails,
		},
		Filters:   apono.ReportFilters{IntegrationIDs: []string{"postgresql-production-orders"}},
		Timeframe: apono.ReportTimeframe{Relative: &apono.RelativeTimeframe{Last: 7, Unit: apono.TimeUnitDay, Rounded: true}},
		Schedule:  &apono.ReportSchedule{CronExpression: "0 9 * * 1", Recipients: []string{"security@example.com"}},
		Format:    new(apono.ReportFormatPDF),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Name, "goes to", report.Schedule.Recipients)
	// Output: Weekly access to orders goes to [security@example.com]
}

// A row has the requested columns. Columns without a field in ActivityEntry are in its
// Extra, as JSON.
func ExampleActivityService_ListAll() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	rows := client.Activity.ListAll(context.Background(), apono.ListActivityOptions{
		Fields: []apono.ReportField{
			apono.ReportFieldRequestorEmail, apono.ReportFieldStatus, apono.ReportFieldBundleName,
		},
		AccessRequestID: []string{"request-05-orders", "request-06-orders"},
	})
	for row, err := range rows {
		if err != nil {
			log.Fatal(err)
		}
		var bundle string
		if err := json.Unmarshal(row.Extra["bundle_name"], &bundle); err != nil {
			log.Fatal(err)
		}
		fmt.Println(*row.RequestorEmail, *row.Status, bundle)
	}
	// Output:
	// femi.orders@example.com REVOKED Orders on-call
	// grace.orders@example.com REJECTED Orders on-call
}

// List the viewers of one identity provider that are not active in Apono.
func ExampleUsersService_ListAll() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	users := client.Users.ListAll(context.Background(), apono.ListUsersOptions{
		LastName:              "*s",
		Role:                  []apono.UserRole{apono.UserRoleViewer},
		SourceIntegrationName: "google-idp",
	})
	for user, err := range users {
		if err != nil {
			log.Fatal(err)
		}
		if !user.Active {
			fmt.Println(user.Email, user.Attributes["team"])
		}
	}
	// Output:
	// jonas.orders@example.com orders
	// jonas.payments@example.com payments
	// jonas.analytics@example.com analytics
}

// SetMembers replaces all members of a group, here with the users on call.
func ExampleGroupsService_SetMembers() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, client := context.Background(), server.Client()

	group, err := client.Groups.GetByName(ctx, "orders")
	if err != nil {
		log.Fatal(err)
	}
	onCall := []string{"ada.orders@example.com", "chen.orders@example.com"}
	if err := client.Groups.SetMembers(ctx, group.ID, onCall); err != nil {
		log.Fatal(err)
	}
	for member, err := range client.Groups.ListAllMembers(ctx, group.ID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(member.Email)
	}
	// Output:
	// ada.orders@example.com
	// chen.orders@example.com
}

// List the values of an attribute that conditions of access flows can match.
func ExampleAttributesService_ListAll() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	shifts := client.Attributes.ListAll(context.Background(), apono.ListAttributesOptions{
		Type:                       "pagerduty_shift",
		Search:                     "s*",
		SourceIntegrationReference: "pagerduty",
	})
	for shift, err := range shifts {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(shift.Value)
	}
	// Output:
	// search on call
	// shipping on call
	// support on call
}

// If the server rejects some items, the others are applied. The method then returns both
// the result and a BulkError.
func ExampleIdentitiesService_UpsertAttributes() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client := server.Client()

	result, err := client.Identities.UpsertAttributes(context.Background(), []apono.IdentityAttributes{
		{Email: "ada.orders@example.com", Attributes: map[string]string{"cost_center": "4711"}},
		{Email: "unknown@example.com", Attributes: map[string]string{"cost_center": "4711"}},
	})
	if rejected, ok := errors.AsType[*apono.BulkError](err); ok {
		for _, item := range rejected.Failed {
			fmt.Println(item.Email, item.Errors[0].ErrorCode)
		}
	} else if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Summary.Succeeded, "of", result.Summary.Total, "applied")
	// Output:
	// unknown@example.com IDENTITY_NOT_FOUND
	// 1 of 2 applied
}

// List the connectors that are disconnected.
func ExampleConnectorsService_List() {
	server, err := aponotest.Start(aponotest.WithDemoTenant())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Put(aponotest.Connectors, apono.Connector{
		ID: "warehouse-connector", Name: "warehouse", Status: apono.ConnectorStatusDisconnected, Version: "1.6.0",
	})
	client := server.Client()

	page, err := client.Connectors.List(context.Background(), apono.ListConnectorsOptions{
		Status: []apono.ConnectorStatus{apono.ConnectorStatusDisconnected},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, connector := range page.Items {
		fmt.Println(connector.Name, connector.Version, "latest:", connector.IsLatestVersion)
	}
	// Output: warehouse 1.6.0 latest: false
}
