package apono_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/operation"
)

// document is what these tests need of the API's OpenAPI document.
type document struct {
	Paths map[string]map[string]struct {
		Parameters []struct {
			Name string `json:"name"`
			In   string `json:"in"`
		} `json:"parameters"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Required   []string                   `json:"required"`
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

func readDocument(t *testing.T) document {
	t.Helper()
	path := os.Getenv("APONO_OPENAPI")
	if path == "" {
		t.Skip("APONO_OPENAPI is not set: name the file of Apono's OpenAPI document in it to run the contract tests")
	}
	data, err := os.ReadFile(path)
	check.NoError(t, err)
	var doc document
	check.NoError(t, json.Unmarshal(data, &doc))
	return doc
}

// A path with a typo is a 404 that only shows against the real server, and an
// operation that is missing shows to whoever needs it.
func TestContractOperationsAreTheDocuments(t *testing.T) {
	t.Parallel()
	doc := readDocument(t)
	all := operation.All()
	known := map[string]bool{}
	for _, op := range all {
		method := strings.ToLower(op.Method)
		known[method+" "+op.Path] = true
		if _, ok := doc.Paths[op.Path][method]; !ok {
			t.Errorf("%s: the document has no %s %s", op.Name, op.Method, op.Path)
		}
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			if !known[method+" "+path] {
				t.Errorf("no operation is for %s %s", strings.ToUpper(method), path)
			}
		}
	}
	check.Equal(t, len(all), 95)
}

// A misspelt filter is ignored by a server, and the list is a longer one than
// was asked for.
func TestContractOptionsAreTheOperationsParameters(t *testing.T) {
	t.Parallel()
	doc := readDocument(t)
	// Lists by offset may have to be paged though nothing is documented.
	undocumented := []string{"limit", "skip"}
	for name, options := range map[string]any{
		"Integrations.List":                                 apono.ListIntegrationsOptions{},
		"Integrations.ListCatalog":                          apono.ListCatalogOptions{},
		"Integrations.ListPermissions":                      apono.ListPermissionsOptions{},
		"Integrations.ListResources":                        apono.ListResourcesOptions{},
		"AccessFlows.List":                                  apono.ListAccessFlowsOptions{},
		"Bundles.List":                                      apono.ListBundlesOptions{},
		"AccessRequests.List":                               apono.ListAccessRequestsOptions{},
		"AccessRequests.ListEntitlements":                   apono.ListAccessRequestEntitlementsOptions{},
		"Users.List":                                        apono.ListUsersOptions{},
		"Groups.List":                                       apono.ListGroupsOptions{},
		"Groups.ListMembers":                                apono.ListGroupMembersOptions{},
		"Connectors.List":                                   apono.ListConnectorsOptions{},
		"Reports.List":                                      apono.ListReportsOptions{},
		"Scopes.List":                                       apono.ListScopesOptions{},
		"Sessions.List":                                     apono.ListSessionsOptions{},
		"AvailableAccess.ListBundles":                       apono.ListAvailableBundlesOptions{},
		"AvailableAccess.ListEntitlements":                  apono.ListAvailableEntitlementsOptions{},
		"DelegatedRequests.List":                            apono.ListDelegatedRequestsOptions{},
		"Attributes.List":                                   apono.ListAttributesOptions{},
		"Identities.List":                                   apono.ListIdentitiesOptions{},
		"Identities.ListAttributes":                         apono.ListIdentityAttributesOptions{},
		"Activity.List":                                     apono.ListActivityOptions{},
		"Legacy.Integrations.List":                          apono.ListIntegrationsV2Options{},
		"Legacy.AccessFlows.List":                           apono.ListAccessFlowsV1Options{},
		"Legacy.AccessBundles.List":                         apono.ListAccessBundlesV1Options{},
		"Legacy.Users.List":                                 apono.ListUsersV2Options{},
		"Legacy.AccessRequests.List":                        apono.ListAccessRequestsV3Options{},
		"Legacy.AccessRequests.ListSelectableIntegrations":  apono.ListSelectableOptions{},
		"Legacy.AccessRequests.ListSelectableResourceTypes": apono.ListSelectableOptions{},
		"Legacy.AccessRequests.ListSelectablePermissions":   apono.ListSelectableOptions{},
		"Legacy.AccessRequests.ListSelectableResources":     apono.ListSelectableOptions{},
	} {
		op := operation.Lookup(name)
		check.True(t, op != nil, "an operation %s", name)
		var want []string
		for _, parameter := range doc.Paths[op.Path][strings.ToLower(op.Method)].Parameters {
			if parameter.In == "query" {
				want = append(want, parameter.Name)
			}
		}
		got := tags(reflect.TypeOf(options), "url")
		if !slices.Contains(want, "page_token") {
			want = append(want, undocumented...)
		}
		slices.Sort(want)
		slices.Sort(got)
		check.Equal(t, got, slices.Compact(want))
	}
}

// A misspelt property is lost in silence, on the way in and on the way out.
func TestContractModelsAreTheSchemas(t *testing.T) {
	t.Parallel()
	doc := readDocument(t)
	for schema, model := range map[string]any{
		"IntegrationV4":                            apono.Integration{},
		"CreateIntegrationV4":                      apono.CreateIntegrationInput{},
		"UpdateIntegrationV4":                      apono.UpdateIntegrationInput{},
		"OwnerV4":                                  apono.Owner{},
		"UpsertOwnerV4":                            apono.OwnerInput{},
		"OwnerMappingV4":                           apono.OwnersMapping{},
		"UpsertOwnerMappingV4":                     apono.OwnersMappingInput{},
		"SecretStoreConfigV4":                      apono.SecretStoreConfig{},
		"UpsertSecretStoreConfigV4":                apono.SecretStoreConfig{},
		"AwsSecretConfigV4":                        apono.AWSSecretConfig{},
		"GcpSecretConfigV4":                        apono.GCPSecretConfig{},
		"KubernetesSecretConfigV4":                 apono.KubernetesSecretConfig{},
		"AzureSecretConfigV4":                      apono.AzureSecretConfig{},
		"HashicorpVaultSecretConfigV4":             apono.HashicorpVaultSecretConfig{},
		"AponoSecretConfigV4":                      apono.SecretConfig{},
		"IntegrationConfig":                        apono.CatalogEntry{},
		"IntegrationConfigParam":                   apono.CatalogParam{},
		"PermissionV3":                             apono.Permission{},
		"ResourceResponse":                         apono.Resource{},
		"ResourceStatusResponse":                   apono.ResourceSyncStatus{},
		"ResourceUserTagsResponse":                 apono.ResourceTags{},
		"UpdateResourceUserTagsRequest":            apono.UpdateResourceTagsInput{},
		"MessageResponse":                          apono.Message{},
		"PublicApiMessageResponse":                 apono.Message{},
		"AccessFlowV2":                             apono.AccessFlow{},
		"AccessFlowUpsertV2":                       apono.AccessFlowInput{},
		"AccessFlowSettingsV2":                     apono.AccessFlowSettings{},
		"AccessFlowTimeframeV2":                    apono.AccessFlowTimeframe{},
		"RequestorsV2":                             apono.Requestors{},
		"RequestorsUpsertV2":                       apono.RequestorsInput{},
		"ConditionV2":                              apono.Condition{},
		"ConditionUpsertV2":                        apono.ConditionInput{},
		"RequestForV2":                             apono.RequestFor{},
		"RequestForUpsertV2":                       apono.RequestForInput{},
		"GranteesV2":                               apono.Grantees{},
		"GranteesUpsertV2":                         apono.GranteesInput{},
		"ApproverPolicyV2":                         apono.ApproverPolicy{},
		"ApproverPolicyUpsertV2":                   apono.ApproverPolicyInput{},
		"ApproverGroupV2":                          apono.ApproverGroup{},
		"ApproverGroupUpsertV2":                    apono.ApproverGroupInput{},
		"EscalationPolicyV2":                       apono.EscalationPolicy{},
		"EscalationPolicyUpsertV2":                 apono.EscalationPolicyInput{},
		"AccessTargetV2":                           apono.AccessTarget{},
		"AccessTargetUpsertV2":                     apono.AccessTargetInput{},
		"IntegrationAccessTargetV2":                apono.IntegrationAccessTarget{},
		"IntegrationAccessTargetUpsertV2":          apono.IntegrationAccessTargetInput{},
		"ResourcesScopeIntegrationAccessTargetV2":  apono.ResourcesScope{},
		"BundleAccessTargetV2":                     apono.BundleAccessTarget{},
		"BundleAccessTargetUpsertV2":               apono.BundleAccessTargetInput{},
		"AccessScopeAccessTargetV2":                apono.AccessScopeAccessTarget{},
		"AccessScopeAccessTargetUpsertV2":          apono.AccessScopeAccessTargetInput{},
		"BundleV2":                                 apono.Bundle{},
		"UpsertBundleV2":                           apono.BundleInput{},
		"AccessBundleAccessTargetV2":               apono.AccessBundleAccessTarget{},
		"AccessBundleAccessTargetUpsertV2":         apono.AccessBundleAccessTargetInput{},
		"AccessScopeV1":                            apono.AccessScope{},
		"UpsertAccessScopeV1":                      apono.AccessScopeInput{},
		"GroupV1":                                  apono.Group{},
		"CreateGroupV1":                            apono.CreateGroupInput{},
		"GroupMemberV1":                            apono.GroupMember{},
		"AttributePublicV1":                        apono.Attribute{},
		"UserV3":                                   apono.User{},
		"ConnectorV3":                              apono.Connector{},
		"UpsertConnectorV3":                        apono.UpdateConnectorInput{},
		"ConnectorSessionV3":                       apono.ConnectorSession{},
		"ConnectorSessionMetadataV3":               apono.ConnectorSessionMetadata{},
		"ConnectorSessionsCloudProviderMetadataV3": apono.CloudProviderMetadata{},
		"AccessRequestV4":                          apono.AccessRequest{},
		"DelegatedAccessRequestV1":                 apono.DelegatedAccessRequest{},
		"AccessRequestAccessGroupV4":               apono.AccessGroup{},
		"CreateAccessRequestV4":                    apono.CreateAccessRequestInput{},
		"CreateAccessRequestEntitlementV4":         apono.CreateAccessRequestEntitlement{},
		"RequestAgainV4":                           apono.RequestAgainInput{},
		"AccessRequestEntitlementV4":               apono.AccessRequestEntitlement{},
		"RequestEntitlementPermissionV4":           apono.RequestEntitlementPermission{},
		"EntitlementResourceV4":                    apono.EntitlementResource{},
		"EntitlementPermissionV4":                  apono.EntitlementPermission{},
		"ResourceTypeV4":                           apono.ResourceType{},
		"IntegrationPartialV4":                     apono.IntegrationPartial{},
		"BundlePartialV4":                          apono.BundlePartial{},
		"RequestorIdentityV4":                      apono.RequestorIdentity{},
		"GranteeIdentityV4":                        apono.GranteeIdentity{},
		"GranteeIdentityV1":                        apono.RequestorIdentity{},
		"GranteeIdentityV11":                       apono.GranteeIdentity{},
		"AvailableBundleV1":                        apono.AvailableBundle{},
		"AvailableEntitlementV1":                   apono.AvailableEntitlement{},
		"AccessSessionV1":                          apono.AccessSession{},
		"AccessSessionDetailsV1":                   apono.AccessSessionDetails{},
		"LinkV1":                                   apono.Link{},
		"ActivityReportPublicV1":                   apono.ActivityReport{},
		"ActivityReportUpsertPublicV1":             apono.ActivityReportInput{},
		"FiltersPublicV1":                          apono.ReportFilters{},
		"TimeFramePublicV1":                        apono.ReportTimeframe{},
		"AbsoluteTimeFrameV1":                      apono.AbsoluteTimeframe{},
		"RelativeTimeFrameV1":                      apono.RelativeTimeframe{},
		"SchedulePublicV1":                         apono.ReportSchedule{},
		"ActivityReportJsonExportModel":            apono.ActivityEntry{},
		"IdentityModel2":                           apono.Identity{},
		"IdentityAttributeModel":                   apono.IdentityAttributes{},
		"IdentityAttributeKeysModel":               apono.IdentityAttributeKeys{},
		"IdentitiesAttributesResponseModel":        apono.IdentityAttributesResult{},
		"IdentitiesAttributesResponseSummaryModel": apono.IdentityAttributesSummary{},
		"IdentityResultModel":                      apono.IdentityResult{},
		"UpsertErrorModel":                         apono.IdentityResultError{},
		"Integration":                              apono.IntegrationV2{},
		"CreateIntegration":                        apono.CreateIntegrationV2Input{},
		"UpdateIntegration":                        apono.UpdateIntegrationV2Input{},
		"AccessFlowV1":                             apono.AccessFlowV1{},
		"UpsertAccessFlowV1":                       apono.CreateAccessFlowV1Input{},
		"UpdateAccessFlowV1":                       apono.UpdateAccessFlowV1Input{},
		"AccessFlowTriggerV1":                      apono.AccessFlowTriggerV1{},
		"TimeframeV1":                              apono.TimeframeV1{},
		"AccessFlowSettingsV1":                     apono.AccessFlowSettingsV1{},
		"GranteeV1":                                apono.GranteeV1{},
		"ApproverV1":                               apono.ApproverV1{},
		"AccessTargetIntegrationV1":                apono.AccessTargetIntegrationV1{},
		"AccessTargetBundleV1":                     apono.AccessTargetBundleV1{},
		"TagV1":                                    apono.TagV1{},
		"AccessBundleV1":                           apono.AccessBundleV1{},
		"UpsertAccessBundleV1":                     apono.CreateAccessBundleV1Input{},
		"UpdateAccessBundleV1":                     apono.UpdateAccessBundleV1Input{},
		"Connector":                                apono.ConnectorV2{},
		"UserModel":                                apono.UserV2{},
		"AccessRequest":                            apono.AccessRequestV3{},
		"CreateAccessRequest":                      apono.CreateAccessRequestV3Input{},
		"ConnectDetailsResponse":                   apono.AccessDetailsV3{},
		"SelectableIntegration":                    apono.SelectableIntegration{},
		"SelectableResourceType":                   apono.SelectableResourceType{},
		"SelectableResource":                       apono.SelectableResource{},
	} {
		properties := doc.Components.Schemas[schema].Properties
		modelType := reflect.TypeOf(model)
		for _, name := range tags(modelType, "json") {
			if _, ok := properties[name]; !ok {
				t.Errorf("%s: %s is no property of %s", modelType, name, schema)
			}
			delete(properties, name)
		}
		for name := range properties {
			t.Errorf("%s: the property %s of %s is missing", modelType, name, schema)
		}
		for i := range modelType.NumField() {
			field := modelType.Field(i)
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			required := slices.Contains(doc.Components.Schemas[schema].Required, name)
			if field.IsExported() && name != "-" && required == (options == "omitzero") {
				t.Errorf("%s.%s: required is %v, but the tag is %q", modelType, field.Name, required, field.Tag)
			}
		}
	}
}

// tags returns the names that a struct's fields have in a kind of tag.
func tags(t reflect.Type, kind string) []string {
	var names []string
	for i := range t.NumField() {
		if tag, ok := t.Field(i).Tag.Lookup(kind); ok {
			if name, _, _ := strings.Cut(tag, ","); name != "-" {
				names = append(names, name)
			}
		}
	}
	return names
}
