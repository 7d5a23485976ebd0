package apono_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
)

var bundleSuite = accessSuite[apono.Bundle, apono.ListBundlesOptions, apono.BundleInput]{
	folder: "bundles", path: "/api/admin/v2/bundles",
	service: func(c *apono.Client) accessService[apono.Bundle, apono.ListBundlesOptions, apono.BundleInput] {
		return inNoSpace[apono.Bundle, apono.ListBundlesOptions, apono.BundleInput]{c.Bundles}
	},
	updateInput: (*apono.Bundle).UpdateInput,
	full:        reading, minimal: emptyBundle, upsert: readingInput,
	options: apono.ListBundlesOptions{Limit: 2, Name: "*a b&*", SpaceReferences: inSpaces}, query: "limit=2&name=%2Aa+b%26%2A&" + inSpacesQuery,
	onPage2: apono.ListBundlesOptions{Limit: 2, Name: "*a b&*", SpaceReferences: inSpaces, PageToken: "t2"},
	deleted: script.Response{Status: 204},
	rename:  func(in *apono.BundleInput) *string { return &in.Name },
}

// reading returns the object in bundles/full.json.
func reading() *apono.Bundle {
	return &apono.Bundle{
		ID: "6a1c7b35-0f0c-4cc9-8bd4-7f5a0a3f6c02", Name: "Reading", Description: new("To <read>."),
		AccessTargets: []apono.BundleTarget{
			{Integration: &apono.IntegrationAccessTarget{
				IntegrationID: "int-1", IntegrationName: "Orders database",
				ResourceType: "postgresql-database", Permissions: []string{"READ_ONLY", "CONNECT"},
				ResourcesScopes: []apono.ResourcesScope{{
					ScopeMode: apono.ScopeModeInclude, Type: apono.ResourcesScopeTypeTag, Key: new("env"), Values: []string{"prod"},
				}},
			}},
			{AccessScope: &apono.TargetScope{AccessScopeID: "scope-1", AccessScopeName: "Databases"}},
			{QueryTarget: &apono.QueryTarget{Query: `resource_type = "k8s-namespace"`}},
		},
		CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 123e6, time.UTC),
		UpdateDate:   time.Date(2026, 4, 6, 10, 11, 12, 0, time.UTC),
		Space:        &apono.SpaceReference{SpaceID: "space-1", SpaceName: "Payments"},
	}
}

// emptyBundle returns the object in bundles/minimal.json.
func emptyBundle() *apono.Bundle {
	return &apono.Bundle{
		ID: "bundle-2", Name: "Empty", AccessTargets: []apono.BundleTarget{},
		CreationDate: time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC), UpdateDate: time.Date(2026, 3, 5, 7, 8, 10, 0, time.UTC),
	}
}

// readingInput returns the input in bundles/upsert.json.
func readingInput() apono.BundleInput {
	return apono.BundleInput{
		Name: "Reading", Description: new("To <read>."),
		AccessTargets: []apono.BundleTargetInput{
			{Integration: &apono.IntegrationAccessTargetInput{
				IntegrationReference: "int-1", ResourceType: "postgresql-database", Permissions: []string{"READ_ONLY", "CONNECT"},
				ResourcesScopes: reading().AccessTargets[0].Integration.ResourcesScopes,
			}},
			{AccessScope: &apono.TargetScopeInput{AccessScopeReference: "scope-1"}},
			{QueryTarget: &apono.QueryTarget{Query: `resource_type = "k8s-namespace"`}},
		},
	}
}

func TestBundleOperations(t *testing.T) {
	t.Parallel()
	bundleSuite.operations(t)
}

// The API rejects null for targets.
func TestBundleInputsAreSentWithoutNulls(t *testing.T) {
	t.Parallel()
	bundleSuite.sends(t, apono.BundleInput{}, `{"name": "", "access_targets": []}`)
	bundleSuite.sends(t, apono.BundleInput{Description: new(""), AccessTargets: []apono.BundleTargetInput{
		{Integration: &apono.IntegrationAccessTargetInput{}},
		{AccessScope: &apono.TargetScopeInput{}},
		{QueryTarget: &apono.QueryTarget{}},
	}}, `{"name": "", "description": "", "access_targets": [
		{"integration": {"integration_reference": "", "resource_type": "", "permissions": []}},
		{"access_scope": {"access_scope_reference": ""}},
		{"query_target": {"query": ""}}
	]}`)
}

func TestBundleTargetWithoutExactlyOneMemberIsArgumentError(t *testing.T) {
	t.Parallel()
	integration, scope := &apono.IntegrationAccessTargetInput{}, &apono.TargetScopeInput{}
	for found, target := range map[string]apono.BundleTargetInput{
		"none is":                         {},
		"Integration and AccessScope are": {Integration: integration, AccessScope: scope},
		"AccessScope and QueryTarget are": {AccessScope: scope, QueryTarget: &apono.QueryTarget{}},
	} {
		bundleSuite.rejects(t, apono.BundleInput{AccessTargets: []apono.BundleTargetInput{{AccessScope: scope}, target}},
			apono.ArgumentError{
				Arg:    "in.AccessTargets[1]",
				Reason: "exactly one of Integration, AccessScope and QueryTarget must be set, but " + found,
			})
	}
}

// An update replaces the whole bundle, so a target that the conversion misses would be
// removed.
func TestBundleUpdateInputIsComplete(t *testing.T) {
	t.Parallel()
	bundleSuite.updateInputs(t, `{"name": "Empty", "access_targets": []}`)
}

func TestBundleUpdateKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	bundleSuite.keepsUnknown(t)
}

func TestUnknownMembersMoveWithTargetsOfBundle(t *testing.T) {
	t.Parallel()
	body := bundleSuite.updated(t, `{"name": "", "access_targets": [
		{"access_scope": {"access_scope_id": "s1", "access_scope_name": "n", "x": 1}},
		{"access_scope": {"access_scope_id": "s2", "access_scope_name": "n", "x": 2}},
		{"space": {"space_id": "s3"}},
		{"integration": {
			"integration_id": "i1", "integration_name": "n", "resource_type": "t", "permissions": [], "x": 3,
			"resources_scopes": [{"scope_mode": "m", "type": "PATH", "values": [], "x": 4}]
		}}
	]}`, func(in *apono.BundleInput) {
		targets := in.AccessTargets
		targets[1].AccessScope.AccessScopeReference = "edited"
		added := apono.BundleTargetInput{AccessScope: &apono.TargetScopeInput{AccessScopeReference: "added"}}
		in.AccessTargets = []apono.BundleTargetInput{targets[3], added, targets[2], targets[1]}
	})
	apitest.JSONEq(t, `{"name": "", "access_targets": [
		{"integration": {
			"integration_reference": "i1", "resource_type": "t", "permissions": [], "x": 3,
			"resources_scopes": [{"scope_mode": "m", "type": "PATH", "values": [], "x": 4}]
		}},
		{"access_scope": {"access_scope_reference": "added"}},
		{"space": {"space_id": "s3"}},
		{"access_scope": {"access_scope_reference": "edited", "x": 2}}
	]}`, body)
}

func TestBundleTypesAreTagged(t *testing.T) {
	t.Parallel()
	apitest.Tagged(t, "url", reflect.TypeFor[apono.ListBundlesOptions]())
	apitest.Tagged(t, "json",
		reflect.TypeFor[apono.Bundle](), reflect.TypeFor[apono.BundleInput](),
		reflect.TypeFor[apono.BundleTarget](), reflect.TypeFor[apono.BundleTargetInput](),
	)
}
