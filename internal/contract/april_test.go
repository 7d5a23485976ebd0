package contract

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/apono-go/apono/aponotest"
	"github.com/stretchr/testify/require"
)

// newMembers are the members that were added to schemas with spaces, after April 2026.
var newMembers = map[string][]string{
	"AccessFlowV2":                     {"space", "requestor_identity_type"},
	"AccessFlowUpsertV2":               {"requestor_identity_type"},
	"AccessScopeV1":                    {"space"},
	"BundleV2":                         {"space", "description"},
	"UpsertBundleV2":                   {"description"},
	"AccessTargetV2":                   {"query_target"},
	"AccessTargetUpsertV2":             {"query_target"},
	"AccessBundleAccessTargetV2":       {"query_target"},
	"AccessBundleAccessTargetUpsertV2": {"query_target"},
}

// april returns the document as it was before spaces were added.
func april(t *testing.T) *document {
	t.Helper()
	var whole object
	require.NoError(t, json.Unmarshal(readDocument(t), &whole))
	for path, item := range in(whole, "paths") {
		if strings.HasPrefix(path, "/api/admin/v1/space") {
			delete(in(whole, "paths"), path)
		}
		for _, op := range item.(object) {
			parameters, _ := op.(object)["parameters"].([]any)
			op.(object)["parameters"] = slices.DeleteFunc(parameters, func(parameter any) bool {
				name, _ := parameter.(object)["name"].(string)
				return strings.HasPrefix(name, "space_reference")
			})
		}
	}
	for name, members := range newMembers {
		schema := in(whole, "components", "schemas", name)
		for _, member := range members {
			require.NotNilf(t, in(schema, "properties")[member], "%s.%s", name, member)
			delete(in(schema, "properties"), member)
			if schema["required"] != nil {
				schema["required"] = without(schema["required"], member)
			}
		}
	}
	escalation := in(whole, "components", "schemas", "EscalationPolicyUpsertV2")
	escalation["required"] = append(escalation["required"].([]any), "interval_in_min")
	delete(in(escalation, "properties", "interval_in_min"), "nullable")
	data, err := json.Marshal(whole)
	require.NoError(t, err)
	doc, err := load(data)
	require.NoError(t, err)
	return doc
}

// withoutQueryTargets returns JSON without query targets, which a server of April does
// not support.
func withoutQueryTargets(text string) string {
	if !strings.Contains(text, "query_target") {
		return text
	}
	value := parse([]byte(text)).(object)
	value["access_targets"] = slices.DeleteFunc(value["access_targets"].([]any), func(target any) bool { return target.(object)["query_target"] != nil })
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // cannot happen: value was decoded from JSON
	}
	return string(data)
}

// olderServer returns a server of April with the part of the seed that it supports.
func olderServer(t *testing.T, options ...aponotest.Option) *aponotest.Server {
	t.Helper()
	server := aponotest.NewServer(t, append(options, aponotest.WithoutSpaces(), aponotest.WithLooseChecks())...)
	for _, put := range seed {
		for _, object := range put.objects {
			if !strings.Contains(string(put.collection), "space") {
				server.Put(put.collection, json.RawMessage(withoutQueryTargets(object)))
			}
		}
	}
	return server
}

// Accounts may still have an older version of the API. Every operation of it must work
// with the newer requests, and its responses must not have newer members.
func TestEveryOperationWorksOnServerOfApril(t *testing.T) {
	t.Parallel()
	doc, older := theDocument(t), april(t)
	require.Len(t, older.operations, 95)
	for _, op := range doc.operations {
		if older.Paths.Value(op.path) == nil {
			continue
		}
		t.Run(op.known.Name, func(t *testing.T) {
			t.Parallel()
			run := &exercise{t: t, doc: doc, served: older, op: op, sent: map[string]bool{}, received: map[string]bool{}}
			run.all()
			mustBeNone(t, run.found)
			require.Positive(t, run.exchanges, "no exchanges")
		})
	}
}
