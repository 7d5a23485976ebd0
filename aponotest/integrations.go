package aponotest

import (
	"slices"
	"strings"
)

var (
	secretStoreSchema = oneOf(map[string]field{
		"aws":             optional(objectOf(map[string]field{"region": required(text), "secret_id": required(text)})),
		"gcp":             optional(objectOf(map[string]field{"project": required(text), "secret_id": required(text)})),
		"kubernetes":      optional(objectOf(map[string]field{"namespace": required(text), "name": required(text)})),
		"azure":           optional(objectOf(map[string]field{"vault_url": required(text), "name": required(text)})),
		"hashicorp_vault": optional(objectOf(map[string]field{"secret_engine": required(text), "path": required(text)})),
		"apono":           optional(objectOf(map[string]field{"parameters": required(textMap)})),
	})

	ownerFields        = map[string]field{"attribute_type": required(text), "attribute_value": required(texts)}
	ownersMappingField = map[string]field{"key_name": required(text), "attribute_type": required(text)}
	sourceRead         = map[string]field{"source_integration_id": optional(text), "source_integration_name": optional(text)}
	sourceWrite        = map[string]field{"source_integration_reference": optional(text)}

	integrationFields = objectOf(map[string]field{
		"name":                     required(text),
		"connector_id":             optional(text),
		"integration_config":       required(freeForm),
		"secret_store_config":      optional(secretStoreSchema),
		"connected_resource_types": optional(texts),
		"custom_access_details":    optional(text),
	})
	integrationSchema = integrationFields.with(map[string]field{
		"id":             required(text),
		"type":           required(text),
		"category":       required(text),
		"status":         required(text),
		"last_sync_time": optional(instant),
		"owner":          optional(objectOf(ownerFields).with(sourceRead)),
		"owners_mapping": optional(objectOf(ownersMappingField).with(sourceRead)),
	})
	updateIntegrationSchema = integrationFields.with(map[string]field{
		"owner":          optional(objectOf(ownerFields).with(sourceWrite)),
		"owners_mapping": optional(objectOf(ownersMappingField).with(sourceWrite)),
	})
	createIntegrationSchema = updateIntegrationSchema.with(map[string]field{"type": required(text)})

	catalogSchema = objectOf(map[string]field{
		"name": required(text), "type": required(text), "description": required(text),
		"requires_secret": required(boolean), "supported_secret_types": required(texts),
		"params": required(listOf(objectOf(map[string]field{
			"id": required(text), "label": required(text), "values": required(texts),
			"default": required(text), "optional": required(boolean),
		}))),
	})
	permissionSchema = objectOf(map[string]field{
		"id": required(text), "name": required(text), "resource_type": required(text),
	})
	resourceSchema = objectOf(map[string]field{
		"id": required(text), "name": required(text), "type": required(text),
		"status": required(objectOf(map[string]field{"status": required(text), "message": optional(text)})),
	})
	updateTagsSchema = objectOf(map[string]field{"tags": required(textMap)})
)

var (
	integrationResource = &resource{
		collection: Integrations, noun: "integration",
		schema: integrationSchema, create: createIntegrationSchema, update: updateIntegrationSchema,
		filters: []filter{
			{param: "name", field: "name", pattern: true},
			{param: "type", field: "type", pattern: true, many: true},
			{param: "category", field: "category", many: true},
			{param: "status", field: "status", many: true},
			{param: "connector_id", field: "connector_id", many: true},
		},
		validate: (*Server).validateIntegration,
		kept:     []string{"type", "category", "status", "last_sync_time"},
		nested:   []string{"resources", "permissions"},
		complete: func(_ *Server, o object) {
			if o["category"] == nil || o["category"] == "" {
				o["category"] = categoryOf(o["type"])
			}
			if o["status"] == nil || o["status"] == "" {
				o["status"] = "ACTIVE"
			}
		},
	}
	catalogResource  = &resource{collection: Catalog, noun: "integration type", schema: catalogSchema, keyedBy: "type"}
	resourceResource = &resource{
		collection: "resources", noun: "resource", schema: resourceSchema, filters: []filter{{param: "resource-type", field: "type"}},
	}
	permissionResource = &resource{
		collection: "permissions", noun: "permission", schema: permissionSchema,
		filters: []filter{{param: "resource-type", field: "resource_type"}},
	}
)

var integrationRoutes = collect(integrationResource.routes("Integrations", "List", "Get", "Create", "Update", "Delete"), map[string]route{
	"Integrations.Refresh": {handle: (*Server).refreshIntegration},
	"Integrations.ListCatalog": {query: offsetParams, handle: func(s *Server, req *request) (any, *problem) {
		return s.offsetPage(s.filtered(Catalog, req, nil), req)
	}},
	"Integrations.GetCatalogEntry":    {handle: catalogResource.get},
	"Integrations.ListPermissions":    permissionResource.ofIntegration(),
	"Integrations.ListResources":      resourceResource.ofIntegration(),
	"Integrations.GetResourceTags":    {handle: (*Server).getTags},
	"Integrations.UpdateResourceTags": {body: updateTagsSchema, handle: (*Server).updateTags},
})

// ofIntegration returns the route that lists an integration's objects of this kind.
func (r *resource) ofIntegration() route {
	return route{
		query: offsetParams.with(filterParams(r.filters)),
		handle: func(s *Server, req *request) (any, *problem) {
			if _, err := integrationResource.find(s, req); err != nil {
				return nil, err
			}
			return s.offsetPage(s.filtered(nested(req.args[0], string(r.collection)), req, r.filters), req)
		},
	}
}

func (s *Server) refreshIntegration(req *request) (any, *problem) {
	found, err := integrationResource.find(s, req)
	if err != nil {
		return nil, err
	}
	found["last_sync_time"] = s.now()
	return object{"message": "The integration is being refreshed"}, nil
}

func (s *Server) getTags(req *request) (any, *problem) {
	id := req.args[0]
	if !s.hasResource(id) {
		return nil, notFound("resource", id)
	}
	tags := s.store.tags[id]
	if tags == nil {
		tags = object{}
	}
	return object{"resource_id": id, "tags": tags}, nil
}

// updateTags replaces the tags. The API does not document whether it merges them.
func (s *Server) updateTags(req *request) (any, *problem) {
	id := req.args[0]
	if !s.hasResource(id) {
		return nil, notFound("resource", id)
	}
	s.store.tags[id], _ = req.body["tags"].(object)
	return object{"message": "The tags were updated"}, nil
}

func (s *Server) hasResource(id string) bool {
	for c := range s.store.objects {
		if c.kind() == "resources" && s.store.get(c, id) != nil {
			return true
		}
	}
	return false
}

// categoryOf returns the category of an integration type.
func categoryOf(integrationType any) string {
	name, _ := integrationType.(string)
	if strings.HasSuffix(name, "-idp") || slices.Contains([]string{"okta", "pagerduty"}, name) {
		return "USER-INFORMATION"
	}
	return "RESOURCES"
}
