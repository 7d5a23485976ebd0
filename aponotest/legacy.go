package aponotest

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
)

// The older versions of the API look at the same objects in other forms. What a
// form cannot hold stays as it is when an object is written through it.

var (
	tagsSchema      = listOf(objectOf(map[string]field{"name": required(text), "value": required(text)}))
	targetV1Schema  = objectOf(map[string]field{"integration_id": required(text), "resource_type": required(text), "resource_tag_includes": required(tagsSchema), "resource_tag_excludes": required(tagsSchema), "permissions": required(texts)})
	identitiesV1    = listOf(objectOf(map[string]field{"id": required(text), "type": required(text)}))
	bundleTargetsV1 = listOf(objectOf(map[string]field{"bundle_id": required(text)}))
	createBundleV1  = objectOf(map[string]field{"name": required(text), "integration_targets": required(listOf(targetV1Schema))})
	updateBundleV1  = createBundleV1.allOptional()
	createFlowV1    = objectOf(map[string]field{
		"name": required(text), "active": required(boolean), "revoke_after_in_sec": required(int32s),
		"trigger": required(objectOf(map[string]field{
			"type": required(oneText("user_request", "automatic")),
			"timeframe": optional(objectOf(map[string]field{
				"start_of_day_time_in_seconds": required(int64s), "end_of_day_time_in_seconds": required(int64s),
				"days_in_week": required(listOf(weekday)), "time_zone": required(text),
			})),
		})),
		"grantees": required(identitiesV1), "approvers": optional(identitiesV1),
		"integration_targets": optional(listOf(targetV1Schema)), "bundle_targets": optional(bundleTargetsV1),
		"settings": optional(objectOf(map[string]field{
			"require_justification_on_request_again": optional(boolean), "require_all_approvers": optional(boolean),
			"require_approver_justification": optional(boolean), "approver_cannot_approve_himself": optional(boolean),
		})),
	})
	updateFlowV1        = createFlowV1.allOptional()
	updateIntegrationV2 = objectOf(map[string]field{
		"name": required(text), "provisioner_id": optional(text), "metadata": required(freeForm), "secret_config": optional(freeForm),
		"connected_resource_types": optional(texts), "custom_access_details": optional(text),
	})
	createIntegrationV2   = updateIntegrationV2.with(map[string]field{"type": required(text)})
	createAccessRequestV3 = objectOf(map[string]field{
		"user_id": required(text), "integration_id": required(text), "resource_ids": required(texts), "permissions": required(texts),
		"justification": required(text), "duration_in_sec": optional(int32s),
	})
	revokeManySchema = objectOf(map[string]field{"request_ids": required(texts)})
)

// allOptional is the schema of a PATCH: what is left out stays as it is.
func (s *schema) allOptional() *schema {
	fields := maps.Clone(s.fields)
	for name, f := range fields {
		fields[name] = optional(f.schema)
	}
	return objectOf(fields)
}

// legacyView is an older form of a kind of objects.
type legacyView struct {
	of *resource
	// show turns an object into the older form.
	show func(*Server, object) object
	// write changes an object to what a body in the older form says.
	write func(s *Server, o, body object) *problem
	// message is what a deletion answers.
	message string
	// create and update are the forms of bodies.
	create, update *schema
}

// routes are the usual operations of an older form.
func (v *legacyView) routes(service string) map[string]route {
	service = "Legacy." + service
	return map[string]route{
		service + ".List": {query: offsetParams, handle: func(s *Server, req *request) (any, *problem) {
			rows := []any{}
			for _, e := range s.store.objects[v.of.collection] {
				rows = append(rows, v.show(s, s.render(e.object)))
			}
			return s.offsetPage(rows, req)
		}},
		service + ".Get": {handle: func(s *Server, req *request) (any, *problem) {
			found, err := v.of.find(s, req)
			if err != nil {
				return nil, err
			}
			return v.show(s, s.render(found)), nil
		}},
		service + ".Create": {body: v.create, handle: func(s *Server, req *request) (any, *problem) {
			o := object{"id": s.store.newID()}
			return v.save(s, o, req.body, func() { v.of.finish(s, o) })
		}},
		service + ".Update": {body: v.update, handle: func(s *Server, req *request) (any, *problem) {
			found, err := v.of.find(s, req)
			if err != nil {
				return nil, err
			}
			o := s.render(found) // a copy, so that a refusal changes nothing
			return v.save(s, o, req.body, func() {
				if _, dated := v.of.schema.fields[updateDate]; dated {
					o[updateDate] = s.now()
				}
			})
		}},
		service + ".Delete": {handle: func(s *Server, req *request) (any, *problem) {
			if _, err := v.of.delete(s, req); err != nil {
				return nil, err
			}
			return object{"message": v.message}, nil
		}},
	}
}

func (v *legacyView) save(s *Server, o, body object, finish func()) (any, *problem) {
	before := maps.Clone(s.store.flowsV1)
	if err := v.write(s, o, body); err != nil {
		return nil, err
	}
	finish()
	if _, err := v.of.write(s, o); err != nil {
		s.store.flowsV1 = before
		return nil, err
	}
	return v.show(s, s.render(o)), nil
}

var (
	integrationV2View = &legacyView{
		of: integrationResource, show: (*Server).integrationV2, write: (*Server).writeIntegrationV2,
		message: "The integration was deleted", create: createIntegrationV2, update: updateIntegrationV2,
	}
	bundleV1View = &legacyView{
		of: bundleResource, show: (*Server).bundleV1, write: (*Server).writeBundleV1,
		message: "The access bundle was deleted", create: createBundleV1, update: updateBundleV1,
	}
	flowV1View = &legacyView{
		of: accessFlowResource, show: (*Server).flowV1, write: (*Server).writeFlowV1,
		message: "The access flow was deleted", create: createFlowV1, update: updateFlowV1,
	}
)

var legacyRoutes = collect(
	integrationV2View.routes("Integrations"),
	bundleV1View.routes("AccessBundles"),
	flowV1View.routes("AccessFlows"),
	map[string]route{
		"Legacy.Connectors.List": {handle: (*Server).listConnectorsV2},
		"Legacy.Users.List":      {query: offsetParams, handle: (*Server).listUsersV2},
		"Legacy.Users.Get":       {handle: (*Server).getUserV2},
		"Legacy.AccessRequests.List": {
			query: offsetParams.with(params{"days_offset": integer, "user_id": one}), handle: (*Server).listRequestsV3,
		},
		"Legacy.AccessRequests.Get":              {handle: (*Server).getRequestV3},
		"Legacy.AccessRequests.Create":           {body: createAccessRequestV3, handle: (*Server).createRequestV3},
		"Legacy.AccessRequests.RevokeMany":       {body: revokeManySchema, handle: (*Server).revokeRequestsV3},
		"Legacy.AccessRequests.GetAccessDetails": {handle: (*Server).getAccessDetailsV3},
		"Legacy.AccessRequests.ResetCredentials": {handle: (*Server).resetCredentialsV3},
		"Legacy.AccessRequests.ListSelectableIntegrations": selectable(func(e object) any {
			return object{"id": member(e, "integration.id")}
		}),
		"Legacy.AccessRequests.ListSelectableResourceTypes": selectable(func(e object) any {
			return object{"id": member(e, "resource.type.id"), "name": member(e, "resource.type.label")}
		}),
		"Legacy.AccessRequests.ListSelectableResources": selectable(func(e object) any {
			return object{"id": member(e, "resource.id"), "type": member(e, "resource.type.id"), "name": member(e, "resource.name")}
		}),
		"Legacy.AccessRequests.ListSelectablePermissions": {
			query: offsetParams.with(params{"user_id": one}), handle: (*Server).listSelectablePermissions,
		},
	},
)

// legacyInstant turns a time of today's form into seconds with nine digits of
// fraction.
func legacyInstant(value any) (json.Number, bool) {
	text, _ := value.(string)
	t, err := time.Parse(time.RFC3339Nano, text)
	return json.Number(fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())), err == nil
}

// copyMembers copies the members that are there, under other names.
func copyMembers(to, from object, names map[string]string) {
	for old, name := range names {
		if value, ok := from[old]; ok {
			to[name] = value
		}
	}
}

// The names of secret stores, today and in version 2.
var secretTypes = map[string]string{
	"aws": "AWS", "gcp": "GCP", "azure": "AZURE", "kubernetes": "KUBERNETES", "hashicorp_vault": "HASHICORP_VAULT", "apono": "APONO",
}

func (s *Server) integrationV2(o object) object {
	status, _ := o["status"].(string)
	v2 := object{"metadata": o[settings], "connected_resource_types": []any{}, "status": "Active"}
	for _, known := range []string{"Initializing", "Refreshing", "Error", "Warning", "Disabled"} {
		if strings.EqualFold(status, known) {
			v2["status"] = known
		}
	}
	copyMembers(v2, o, map[string]string{
		"id": "id", "name": "name", "type": "type", "connector_id": "provisioner_id",
		"connected_resource_types": "connected_resource_types", "custom_access_details": "custom_access_details",
	})
	if seconds, ok := legacyInstant(o["last_sync_time"]); ok {
		v2["last_sync_time"] = seconds
	}
	store, _ := o["secret_store_config"].(object)
	for name, config := range store {
		secret := maps.Clone(config.(object)) //nolint:forcetypeassert // the schema has checked it
		secret["type"] = secretTypes[name]
		v2["secret_config"] = secret
	}
	return v2
}

func (s *Server) writeIntegrationV2(o, body object) *problem {
	for _, name := range []string{"connector_id", "secret_store_config", "connected_resource_types", "custom_access_details"} {
		delete(o, name)
	}
	copyMembers(o, body, map[string]string{
		"name": "name", "type": "type", "provisioner_id": "connector_id", "metadata": settings,
		"connected_resource_types": "connected_resource_types", "custom_access_details": "custom_access_details",
	})
	secret, ok := body["secret_config"].(object)
	if !ok {
		return nil
	}
	config := maps.Clone(secret)
	delete(config, "type")
	for name, legacyName := range secretTypes {
		if legacyName == secret["type"] {
			o["secret_store_config"] = object{name: config}
			return secretStoreSchema.fields[name].check("secret_config", config)
		}
	}
	return invalid("secret_config.type", "the fake knows AWS, GCP, AZURE, KUBERNETES, HASHICORP_VAULT and APONO")
}

func (s *Server) listConnectorsV2(*request) (any, *problem) {
	rows := []any{}
	for _, e := range s.store.objects[Connectors] {
		row := object{"connector_id": e.object["id"], "status": e.object["status"]}
		if seconds, ok := legacyInstant(e.object["last_connected"]); ok {
			row["last_connected"] = seconds
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func userV2(o object) object {
	v2 := object{}
	for _, name := range []string{"id", "email", "first_name", "last_name", "active"} {
		v2[name] = o[name]
	}
	return v2
}

func (s *Server) listUsersV2(req *request) (any, *problem) {
	rows := []any{}
	for _, e := range s.store.objects[Users] {
		rows = append(rows, userV2(e.object))
	}
	return s.offsetPage(rows, req)
}

func (s *Server) getUserV2(req *request) (any, *problem) {
	found := s.userByIDOrEmail(req.args[0])
	if found == nil {
		return nil, notFound("user", req.args[0])
	}
	return userV2(found), nil
}

func (s *Server) userByIDOrEmail(reference string) object {
	return s.store.find(Users, func(o object) bool { return o["id"] == reference || o["email"] == reference })
}
