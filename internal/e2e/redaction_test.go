package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/hostile"
	"github.com/apono-go/apono/internal/operation"
	"github.com/stretchr/testify/require"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// exportedTypes returns the exported types of the package except those of clientTypes.
func exportedTypes() []reflect.Type {
	return []reflect.Type{
		typeOf[apono.APIError](), typeOf[apono.AWSSecretConfig](), typeOf[apono.AbsoluteTimeframe](),
		typeOf[apono.BundleTarget](), typeOf[apono.BundleTargetInput](), typeOf[apono.AccessBundleV1](),
		typeOf[apono.AccessDetailsV3](), typeOf[apono.AccessFlow](), typeOf[apono.AccessFlowInput](), typeOf[apono.AccessFlowSettings](),
		typeOf[apono.AccessFlowSettingsV1](), typeOf[apono.AccessFlowTimeframe](), typeOf[apono.AccessFlowTrigger](),
		typeOf[apono.AccessFlowTriggerTypeV1](), typeOf[apono.AccessFlowTriggerV1](), typeOf[apono.AccessFlowV1](),
		typeOf[apono.AccessGroup](), typeOf[apono.AccessRequest](), typeOf[apono.AccessRequestEntitlement](),
		typeOf[apono.AccessRequestStatus](), typeOf[apono.AccessRequestV3](), typeOf[apono.AccessScope](),
		typeOf[apono.TargetScope](), typeOf[apono.TargetScopeInput](), typeOf[apono.AccessScopeInput](),
		typeOf[apono.AccessSession](), typeOf[apono.AccessSessionDetails](), typeOf[apono.AccessStatusV3](), typeOf[apono.AccessTarget](),
		typeOf[apono.AccessTargetBundleV1](), typeOf[apono.AccessTargetInput](), typeOf[apono.AccessTargetIntegrationV1](),
		typeOf[apono.ActivityEntry](), typeOf[apono.ActivityReport](), typeOf[apono.ActivityReportInput](), typeOf[apono.ApprovalMode](),
		typeOf[apono.ApproverGroup](), typeOf[apono.ApproverGroupInput](), typeOf[apono.ApproverPolicy](),
		typeOf[apono.ApproverPolicyInput](), typeOf[apono.ApproverV1](), typeOf[apono.ArgumentError](), typeOf[apono.Attribute](),
		typeOf[apono.AvailableBundle](), typeOf[apono.AvailableEntitlement](), typeOf[apono.AzureSecretConfig](), typeOf[apono.Body](),
		typeOf[apono.BulkError](), typeOf[apono.Bundle](), typeOf[apono.TargetBundle](), typeOf[apono.TargetBundleInput](),
		typeOf[apono.BundleInput](), typeOf[apono.CatalogEntry](), typeOf[apono.CatalogParam](), typeOf[apono.CloudProviderMetadata](),
		typeOf[apono.Condition](), typeOf[apono.ConditionGroup](), typeOf[apono.ConditionGroupInput](), typeOf[apono.ConditionInput](),
		typeOf[apono.ConditionType](), typeOf[apono.Connector](), typeOf[apono.ConnectorSession](),
		typeOf[apono.ConnectorSessionMetadata](), typeOf[apono.ConnectorStatus](), typeOf[apono.ConnectorV2](),
		typeOf[apono.CreateAccessBundleV1Input](), typeOf[apono.CreateAccessFlowV1Input](), typeOf[apono.CreateAccessRequestEntitlement](),
		typeOf[apono.CreateAccessRequestInput](), typeOf[apono.CreateAccessRequestV3Input](), typeOf[apono.CreateGroupInput](),
		typeOf[apono.CreateIntegrationInput](), typeOf[apono.CreateIntegrationV2Input](), typeOf[apono.SpaceOptions](),
		typeOf[apono.CreateSpaceInput](), typeOf[apono.CredentialsStatus](), typeOf[apono.DayOfWeek](), typeOf[apono.DecodeError](),
		typeOf[apono.DelegatedAccessRequest](), typeOf[apono.EntitlementPermission](), typeOf[apono.EntitlementResource](),
		typeOf[apono.EscalationPolicy](), typeOf[apono.EscalationPolicyInput](), typeOf[apono.Extra](), typeOf[apono.GCPSecretConfig](),
		typeOf[apono.GranteeV1](), typeOf[apono.Group](), typeOf[apono.GroupMember](), typeOf[apono.HashicorpVaultSecretConfig](),
		typeOf[apono.Identity](), typeOf[apono.IdentityAttributeKeys](), typeOf[apono.IdentityAttributes](),
		typeOf[apono.IdentityAttributesResult](), typeOf[apono.IdentityAttributesSummary](), typeOf[apono.IdentityRef](),
		typeOf[apono.IdentityResult](), typeOf[apono.IdentityResultError](), typeOf[apono.IdentityType](), typeOf[apono.IdentityTypeV1](),
		typeOf[apono.Integration](), typeOf[apono.IntegrationAccessTarget](), typeOf[apono.IntegrationAccessTargetInput](),
		typeOf[apono.IntegrationCategory](), typeOf[apono.IntegrationStatus](), typeOf[apono.IntegrationStatusV2](),
		typeOf[apono.IntegrationV2](), typeOf[apono.KubernetesSecretConfig](), typeOf[apono.Link](),
		typeOf[apono.ListAccessBundlesV1Options](), typeOf[apono.ListAccessFlowsOptions](), typeOf[apono.ListAccessFlowsV1Options](),
		typeOf[apono.ListAccessRequestEntitlementsOptions](), typeOf[apono.ListAccessRequestsOptions](),
		typeOf[apono.ListAccessRequestsV3Options](), typeOf[apono.ListActivityOptions](), typeOf[apono.ListAttributesOptions](),
		typeOf[apono.ListAvailableBundlesOptions](), typeOf[apono.ListAvailableEntitlementsOptions](), typeOf[apono.ListBundlesOptions](),
		typeOf[apono.ListCatalogOptions](), typeOf[apono.ListConnectorsOptions](), typeOf[apono.ListDelegatedRequestsOptions](),
		typeOf[apono.ListGroupMembersOptions](), typeOf[apono.ListGroupsOptions](), typeOf[apono.ListIdentitiesOptions](),
		typeOf[apono.ListIdentityAttributesOptions](), typeOf[apono.ListIntegrationsOptions](), typeOf[apono.ListIntegrationsV2Options](),
		typeOf[apono.ListPermissionsOptions](), typeOf[apono.ListReportsOptions](), typeOf[apono.ListResourcesOptions](),
		typeOf[apono.ListScopesOptions](), typeOf[apono.ListSelectableOptions](), typeOf[apono.ListSessionsOptions](),
		typeOf[apono.ListSpaceMembersOptions](), typeOf[apono.ListSpaceScopesOptions](), typeOf[apono.ListSpacesOptions](),
		typeOf[apono.ListUsersOptions](), typeOf[apono.ListUsersV2Options](), typeOf[apono.LogicalOperator](),
		typeOf[apono.MatchOperator](), typeOf[apono.Message](), typeOf[apono.Object](),
		typeOf[apono.OffsetPage[apono.AccessSessionDetails]](), typeOf[apono.Owner](), typeOf[apono.OwnerInput](),
		typeOf[apono.OwnersMapping](), typeOf[apono.OwnersMappingInput](), typeOf[apono.Page[apono.AccessSessionDetails]](),
		typeOf[apono.Permission](), typeOf[apono.QueryTarget](), typeOf[apono.Ref](), typeOf[apono.RelativeTimeframe](),
		typeOf[apono.ReportField](), typeOf[apono.ReportFilters](), typeOf[apono.ReportFormat](), typeOf[apono.ReportSchedule](),
		typeOf[apono.ReportTimeframe](), typeOf[apono.RequestAgainInput](), typeOf[apono.RequestEntitlementPermission](),
		typeOf[apono.RequestFor](), typeOf[apono.RequestForInput](), typeOf[apono.RequestScope](), typeOf[apono.RequestorIdentityType](),
		typeOf[apono.Resource](), typeOf[apono.ResourceStatus](), typeOf[apono.ResourceSyncStatus](), typeOf[apono.ResourceTags](),
		typeOf[apono.ResourceType](), typeOf[apono.ResourcesScope](), typeOf[apono.ResourcesScopeType](), typeOf[apono.RetryPolicy](),
		typeOf[apono.ScopeMode](), typeOf[apono.Secret](), typeOf[apono.SecretConfig](), typeOf[apono.SecretStoreConfig](),
		typeOf[apono.SecretStoreType](), typeOf[apono.SelectableIntegration](),
		typeOf[apono.SelectablePermissionsPage](), typeOf[apono.SelectableResource](), typeOf[apono.SelectableResourceType](),
		typeOf[apono.Space](), typeOf[apono.SpaceIdentityType](), typeOf[apono.SpaceMember](), typeOf[apono.SpaceMemberInput](),
		typeOf[apono.SpaceMemberRolesInput](), typeOf[apono.SpaceReference](), typeOf[apono.SpaceRole](), typeOf[apono.SpaceScope](),
		typeOf[apono.SpaceScopeInput](), typeOf[apono.TagV1](), typeOf[apono.TimeUnit](), typeOf[apono.TimeframeV1](),
		typeOf[apono.TransportError](), typeOf[apono.TruncatedError](), typeOf[apono.UpdateAccessBundleV1Input](),
		typeOf[apono.UpdateAccessFlowV1Input](), typeOf[apono.UpdateConnectorInput](), typeOf[apono.UpdateIntegrationInput](),
		typeOf[apono.UpdateIntegrationV2Input](), typeOf[apono.UpdateResourceTagsInput](), typeOf[apono.UpdateSpaceInput](),
		typeOf[apono.User](), typeOf[apono.UserRole](), typeOf[apono.UserV2](), typeOf[apono.WaitError](), typeOf[apono.AcquireOptions](), typeOf[apono.Grant](), typeOf[apono.MissingSession](), typeOf[apono.Poll](), typeOf[apono.WaitOptions](), typeOf[apono.PageError](), typeOf[apono.RevokeError](),
	}
}

// clientTypes returns a client with a token, its services and an option.
func clientTypes(client *apono.Client) []any {
	values := []any{*client, apono.WithUserAgent("x"), *client.Legacy}
	for _, holder := range []reflect.Value{reflect.ValueOf(client).Elem(), reflect.ValueOf(client.Legacy).Elem()} {
		for i := range holder.NumField() {
			if field := holder.Field(i); holder.Type().Field(i).IsExported() && !strings.HasSuffix(field.Type().String(), ".Legacy") {
				values = append(values, field.Elem().Interface())
			}
		}
	}
	return values
}

// printers print a value in every way that programs of this module can.
func printers() map[string]func(any) string {
	all := map[string]func(any) string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		all[verb] = func(v any) string { return fmt.Sprintf(verb, v) }
	}
	logged := func(handler func(w io.Writer) slog.Handler) func(any) string {
		return func(v any) string {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("m", "value", v, slog.Group("group", "value", v))
			return b.String()
		}
	}
	all["slog text"] = logged(func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) })
	all["slog JSON"] = logged(func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) })
	for name, codec := range apitest.Codecs {
		if name != "this module" { // which encodes requests
			all[name] = func(v any) string {
				data, err := codec.Marshal(v)
				return fmt.Sprint(string(data), err)
			}
		}
	}
	return all
}

var (
	textWays = []string{"%v", "%+v", "%s", "slog text"}
	jsonWays = []string{"encoding/json", "version 2", "slog JSON"}
)

// forms returns a text as printers may show it.
func forms(text string) []string {
	data, _ := json.Marshal(text)
	return []string{
		text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), strings.Trim(fmt.Sprintf("%d", []byte(text)), "[]"),
		strings.Trim(string(data), `"`), base64.StdEncoding.EncodeToString([]byte(text)),
	}
}

// No printer shows a Secret, in whatever container it is. A new type must be added to
// exportedTypes.
func TestNothingShowsSecrets(t *testing.T) {
	t.Parallel()
	var listed, holders []string
	for _, typ := range exportedTypes() {
		listed = append(listed, nameOf(typ))
		value := reflect.New(typ).Elem()
		holds := apitest.Fill(value) > 0
		if holds {
			holders = append(holders, nameOf(typ))
		}
		_, isError := reflect.TypeAssert[error](value.Addr())
		for _, in := range apitest.Containers(value) {
			if isError && (!in.Reachable || !strings.Contains(in.Name, "pointer")) || typ == typeOf[apono.Body]() && !in.Reachable {
				continue // errors are pointers, and only methods redact a Body
			}
			for way, shown := range printers() {
				shown := shown(in.Value)
				for _, form := range forms(apitest.SecretText) {
					require.NotContains(t, shown, form, "%s of %s in %s", way, typ, in.Name)
				}
				_, prints := reflect.TypeAssert[fmt.Stringer](value)
				if holds && in.Reachable && (prints && slices.Contains(textWays, way) || slices.Contains(jsonWays, way)) {
					require.Contains(t, shown, "[redacted]", "%s of %s in %s", way, typ, in.Name)
				}
			}
		}
	}
	for _, value := range clientTypes(apitest.NewClient(t, apitest.NoRequest(t))) {
		listed = append(listed, nameOf(reflect.TypeOf(value)))
		for _, in := range apitest.Containers(reflect.ValueOf(value)) {
			for way, shown := range printers() {
				for _, form := range forms(apitest.Token) {
					require.NotContains(t, shown(in.Value), form, "%s of %T in %s", way, value, in.Name)
				}
			}
		}
	}
	slices.Sort(listed)
	require.Equal(t, exportedNames(t), listed)
	var known []string
	for _, typ := range apitest.SecretHolders() {
		known = append(known, nameOf(typ))
	}
	slices.Sort(holders)
	require.Equal(t, known, holders, "add the type to apitest.SecretHolders")
}

// As text, models show the names of unknown members but not their values, and values of
// pointers rather than addresses. JSON has all values, also in a log.
func TestModelsPrintTheirValues(t *testing.T) {
	t.Parallel()
	ways := printers()
	for _, typ := range typesWithExtra() {
		value := reflect.New(typ).Elem()
		apitest.Fill(value)
		extra := value.FieldByName("Extra").Type() == extraType
		for _, in := range apitest.Containers(value) {
			if in.Name == "nil" {
				require.Equal(t, "<nil>", ways["%v"](in.Value), typ)
				require.Contains(t, ways["slog text"](in.Value), "value=<nil>", typ)
				require.Contains(t, ways["slog JSON"](in.Value), `"value":null`, typ)
			}
			if !in.Reachable {
				continue
			}
			for _, way := range textWays {
				text := ways[way](in.Value)
				require.NotContains(t, text, apitest.NewerText, "%s of %s in %s", way, typ, in.Name)
				require.NotRegexp(t, `0x[0-9a-f]{6}`, text, "%s of %s in %s", way, typ, in.Name)
				if extra {
					require.Regexp(t, `\\?"newer\\?":\\?"\[redacted\]`, text, "%s of %s in %s", way, typ, in.Name)
				}
			}
			require.NotContains(t, ways["%#v"](in.Value), apitest.NewerText, "%s in %s", typ, in.Name)
			for _, way := range jsonWays {
				require.Equal(t, extra, strings.Contains(ways[way](in.Value), `"newer":"`+apitest.NewerText+`"`), "%s of %s in %s: %s", way, typ, in.Name, ways[way](in.Value))
			}
		}
	}
	flow := apono.AccessFlow{Requestors: apono.ConditionGroup{Conditions: []apono.Condition{{Type: "user", Values: []string{"ann"}, SourceIntegrationName: new("Okta")}}}}
	require.Contains(t, fmt.Sprint(flow.Requestors.Conditions), `"source_integration_name":"Okta"`)
}

// Errors print no body and no header. Bodies may contain credentials.
func TestErrorsPrintNoHeader(t *testing.T) {
	t.Parallel()
	for _, typ := range exportedTypes() {
		value := reflect.New(typ)
		apitest.Fill(value.Elem())
		if _, ok := reflect.TypeAssert[error](value); !ok {
			continue
		}
		for way, shown := range printers() {
			if !slices.Contains(jsonWays, way) {
				require.NotContains(t, shown(value.Interface()), apitest.HeaderText, "%s of %s", way, typ)
			}
		}
	}
}

// nameOf returns the name of a type without type arguments.
func nameOf(typ reflect.Type) string {
	name, _, _ := strings.Cut(typ.Name(), "[")
	return name
}

// declarations returns the declarations in the Go files below root that are wanted.
// Paths have slashes on every system.
func declarations(t *testing.T, root string, wanted func(path string) bool) []ast.Decl {
	t.Helper()
	var all []ast.Decl
	require.NoError(t, fs.WalkDir(os.DirFS(apitest.Path(".")), root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !wanted(filepath.ToSlash(path)) {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), apitest.Path(path), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err == nil {
			all = append(all, file.Decls...)
		}
		return err
	}))
	return all
}

// exportedNames returns the names of the exported types in the source of the package.
func exportedNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, decl := range declarations(t, ".", func(path string) bool {
		return !strings.Contains(path, "/") && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
	}) {
		if group, ok := decl.(*ast.GenDecl); ok && group.Tok == token.TYPE {
			for _, spec := range group.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.IsExported() {
					names = append(names, spec.Name.Name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// A password in a field of type string would be printed. The fields below have such a
// name but contain no credentials.
func TestFieldsNamedLikeCredentials(t *testing.T) {
	t.Parallel()
	suspicious := regexp.MustCompile(`(?i)passw|secret|token|credential|private|^key|apikey|access_?key`)
	found := map[string]bool{}
	for _, typ := range exportedTypes() {
		if typ.Kind() != reflect.Struct {
			continue
		}
		for i := range typ.NumField() {
			if field := typ.Field(i); suspicious.MatchString(field.Name) && field.Name != "PageToken" {
				found[nameOf(typ)+"."+field.Name] = true
			}
		}
	}
	require.Equal(t, []string{
		"AWSSecretConfig.SecretID", // the name of a secret
		"AccessSession.CanResetCredentials", "AccessSession.CredentialsStatus",
		"CatalogEntry.RequiresSecret", "CatalogEntry.SupportedSecretTypes",
		"CreateIntegrationInput.SecretStoreConfig", "CreateIntegrationV2Input.SecretConfig", // hold Secrets
		"GCPSecretConfig.SecretID", "HashicorpVaultSecretConfig.SecretEngine",
		"Integration.SecretStoreConfig", "IntegrationV2.SecretConfig",
		"OwnersMapping.KeyName", "OwnersMappingInput.KeyName", // of a tag
		"Page.NextPageToken", "PageError.NextPageToken", "ResourcesScope.Key",
		"UpdateIntegrationInput.SecretStoreConfig", "UpdateIntegrationV2Input.SecretConfig",
	}, slices.Sorted(maps.Keys(found)))
}

// echoes are responses that contain the token of the request.
var echoes = map[string]string{
	"rejection as JSON":          "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n" + `{"message":"bad token {token}","code":"{token}"}`,
	"rejection as JSON, escaped": "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n" + `{"message":"bad token {escaped}","code":"{escaped}"}`,
	"rejection as JSON string":   "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n" + `"Bearer {token}"`,
	"rejection as text":          "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nBearer {token}",
	"rejection as HTML":          "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n<p>{token}",
	"failure":                    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n" + `{"error":{"details":["{token}"]}}`,
	"status text":                "HTTP/1.1 403 {token}\r\nConnection: close\r\n\r\n",
	"headers": "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nX-Request-Id: {token}\r\nX-Echo: a {token} b\r\nSet-Cookie: t={token}\r\n" +
		"Retry-After: {token}\r\nDate: {token}\r\nContent-Type: {token}\r\nWww-Authenticate: Bearer {token}\r\n\r\n",
	"name of a header":       "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nX-{token}: yes\r\n\r\n",
	"redirect":               "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: https://elsewhere.test/{token}\r\n\r\n",
	"malformed redirect":     "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: https://[{token}\r\n\r\n",
	"trailer":                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-{token}\r\nConnection: close\r\n\r\n1\r\n<\r\n0\r\nX-{token}: {token}\r\n\r\n",
	"not HTTP":               "Bearer {token}\r\n\r\n",
	"version":                "{token} 200 OK\r\n\r\n",
	"status code":            "HTTP/1.1 {token} OK\r\n\r\n",
	"header without a colon": "HTTP/1.1 200 OK\r\nBearer {token}\r\n\r\n",
	"length":                 "HTTP/1.1 200 OK\r\nContent-Length: {token}\r\n\r\n",
	"transfer encoding":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: {token}\r\n\r\n",
	"chunk length":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{token}\r\n",
	"text":                   "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nBearer {token}",
	"cut body":               "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{token}",
	"time":                   "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `{"last_sync_time":"{token}"}`,
	"another type":           "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `{"id":["{token}"]}`,
	"list":                   "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `["{token}"]`,
	"trailing":               "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `{} {token}`,
}

// Debug pages, gateways and error handlers may echo the token. Errors and log records
// must not contain it.
func TestEchoedTokenIsMasked(t *testing.T) {
	t.Parallel()
	for name, raw := range echoes {
		for _, v := range verbs {
			t.Run(name+" to "+v.name, func(t *testing.T) {
				t.Parallel()
				server := hostile.New(t, hostile.Raw(raw))
				var records bytes.Buffer
				client, _ := hostileClient(t, server, &records)
				err := v.call(t.Context(), client)
				require.Equal(t, "Bearer "+apitest.Token, server.Requests()[0].Header.Get("Authorization"))
				isWithoutToken(t, err, records.String())
				isWithoutToken(t, client.Do(t.Context(), v.method, v.path, nil, nil, new(map[string]any)))
			})
		}
	}
}

// The error of an invalid instant of the legacy API must not contain the token.
func TestEchoedTokenInInstantIsMasked(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"created_date":"{token}"}`, `{"created_date":{"{token}":1}}`} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			server := hostile.New(t, hostile.Raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+body))
			client, _ := hostileClient(t, server, nil)
			_, err := client.Legacy.AccessFlows.Get(t.Context(), "f-1")
			require.ErrorAs(t, err, new(*apono.DecodeError))
			isWithoutToken(t, err)
		})
	}
}

// readable lists the operations that WithReadOnly allows. Reads of credentials are not
// among them, because they may consume the credentials.
const readable = `
GET /api/admin/v1/access-scopes
GET /api/admin/v1/access-scopes/{id}
GET /api/admin/v1/activity-reports
GET /api/admin/v1/activity-reports/{id}
GET /api/admin/v1/attributes
GET /api/admin/v1/groups
GET /api/admin/v1/groups/{id}
GET /api/admin/v1/groups/{id}/members
GET /api/admin/v1/space-scopes
GET /api/admin/v1/space-scopes/{id}
GET /api/admin/v1/spaces
GET /api/admin/v1/spaces/{id}
GET /api/admin/v1/spaces/{id}/members
GET /api/admin/v2/access-flows
GET /api/admin/v2/access-flows/{id}
GET /api/admin/v2/bundles
GET /api/admin/v2/bundles/{id}
GET /api/admin/v3/connectors
GET /api/admin/v3/connectors/{id}
GET /api/admin/v3/users
GET /api/admin/v3/users/{id}
GET /api/admin/v4/integrations
GET /api/admin/v4/integrations/{id}
GET /api/user/v1/access-sessions
GET /api/user/v1/access-sessions/{id}
GET /api/user/v1/available-access/bundles
GET /api/user/v1/available-access/entitlements
GET /api/user/v1/delegated-access-requests
GET /api/user/v1/delegated-access-requests/{id}
GET /api/user/v4/access-requests
GET /api/user/v4/access-requests/{id}
GET /api/user/v4/access-requests/{id}/entitlements
GET /api/v1/access-bundles
GET /api/v1/access-bundles/{id}
GET /api/v1/access-flows
GET /api/v1/access-flows/{id}
GET /api/v2/bulk/identities/attributes
GET /api/v2/connectors
GET /api/v2/identities
GET /api/v2/integrations
GET /api/v2/integrations-catalog
GET /api/v2/integrations-catalog/{type}
GET /api/v2/integrations/{id}
GET /api/v2/users
GET /api/v2/users/{id}
GET /api/v3/access-requests
GET /api/v3/access-requests/{id}
GET /api/v3/activity
GET /api/v3/integrations/resources/{resource_id}/user-tags
GET /api/v3/integrations/{id}/permissions
GET /api/v3/integrations/{id}/resources
GET /api/v3/selectable-integrations
GET /api/v3/selectable-integrations/{integration_id}/resource-types
GET /api/v3/selectable-integrations/{integration_id}/{resource_type}/permissions
GET /api/v3/selectable-integrations/{integration_id}/{resource_type}/resources
`

// The allowed operations are listed in this file, so that a mistake in the table of
// operations is detected.
func TestReadOnlyAllowsListedOperationsOnly(t *testing.T) {
	t.Parallel()
	allowed := strings.Split(strings.TrimSpace(readable), "\n")
	require.Len(t, allowed, 55)
	server := hostile.New(t, hostile.JSON("{}"))
	client, _ := hostileClient(t, server, nil, apono.WithReadOnly())
	var passed []string
	all := operation.All()
	require.Len(t, all, 109)
	for _, op := range all {
		path := op.Fill(func(int, string) string { return "x" })
		var unusual strings.Builder // the same path
		for segment := range strings.SplitSeq(path[1:], "/") {
			fmt.Fprintf(&unusual, "/%%%02x%s", segment[0], segment[1:])
		}
		for _, path := range []string{path, unusual.String()} {
			before := len(server.Requests())
			err := client.Do(t.Context(), op.Method, path, nil, nil, nil)
			if len(server.Requests()) > before {
				require.NoError(t, err)
				passed = append(passed, op.Method+" "+op.Path)
			} else {
				require.ErrorIs(t, err, apono.ErrReadOnly)
				require.EqualError(t, err, "apono: "+op.Method+" "+op.Path+": "+apono.ErrReadOnly.Error())
			}
		}
	}
	slices.Sort(passed)
	require.Equal(t, slices.Sorted(slices.Values(slices.Repeat(allowed, 2))), passed)
}

// An unknown operation is allowed if its method is GET and it does not read access
// details. Servers may compare paths case-insensitively, or ignore parameters after a
// semicolon.
func TestReadOnlyAndUnknownOperations(t *testing.T) {
	t.Parallel()
	for request, allowed := range map[string]bool{
		"GET /api/admin/v9/spaces":                                true,
		"GET /api/admin/v9/spaces/access-details-of":              true,
		"GET /api/user/v9/access-sessions/s-1/access-details":     false,
		"GET /api/user/v9/access-sessions/s-1/%61ccess-details":   false,
		"GET /api/v9/access-details":                              false,
		"GET /api/user/v1/access-sessions/s%2F1/access-details":   false,
		"GET /api/user/v1/access-sessions/s-1/access%2Ddetails":   false,
		"GET /api/user/v1/access-sessions/s-1/Access-Details":     false,
		"GET /api/user/v1/access-sessions/s-1/access-details;v=1": false,
		"POST /api/admin/v9/spaces":                               false,
		"PUT /api/admin/v9/spaces/s-1":                            false,
		"PATCH /api/admin/v9/spaces/s-1":                          false,
		"DELETE /api/admin/v9/spaces/s-1":                         false,
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			server := hostile.New(t, hostile.JSON("{}"))
			client, _ := hostileClient(t, server, nil, apono.WithReadOnly())
			method, path, _ := strings.Cut(request, " ")
			err := client.Do(t.Context(), method, path, nil, nil, nil)
			require.Equal(t, !allowed, errors.Is(err, apono.ErrReadOnly))
			require.Len(t, server.Requests(), map[bool]int{true: 1}[allowed])
		})
	}
}

// Every statement in SECURITY.md names a test, and every test that it names exists.
func TestSecurityStatementsAreTested(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(apitest.Path("SECURITY.md"))
	require.NoError(t, err)
	exist := map[string]bool{}
	for _, decl := range declarations(t, ".", func(path string) bool { return strings.HasSuffix(path, "_test.go") }) {
		if function, ok := decl.(*ast.FuncDecl); ok && function.Recv == nil {
			exist[function.Name.Name] = true
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1)
	require.GreaterOrEqual(t, len(named), 20, "SECURITY.md names too few tests")
	for _, match := range named {
		require.Truef(t, exist[match[1]], "there is no test %s", match[1])
	}
	statements := 0
	for statement := range strings.SplitSeq(string(page), "\n- ") {
		if statements++; statements > 1 {
			paragraph, _, _ := strings.Cut(statement, "\n\n")
			require.Truef(t, strings.Contains(paragraph, "`Test") || strings.Contains(paragraph, "`Fuzz"), "no test is named for: %s", paragraph)
		}
	}
	require.Greater(t, statements, 10, "SECURITY.md has too few statements")
}
