package aponotest

import (
	"maps"
	"strings"
)

var (
	updateIntegrationV2 = objectOf(map[string]field{
		"name": required(text), "provisioner_id": optional(text), "metadata": required(freeForm), "secret_config": optional(freeForm),
		"connected_resource_types": optional(texts), "custom_access_details": optional(text),
	})
	createIntegrationV2 = updateIntegrationV2.with(map[string]field{"type": required(text)})
	integrationV2View   = &legacyView{
		of: integrationResource, show: (*Server).integrationV2, write: (*Server).writeIntegrationV2,
		validate: func(s *Server, body object) *problem {
			return s.checkConnector("provisioner_id", body["provisioner_id"])
		},
		message: "The integration was deleted", create: createIntegrationV2, update: updateIntegrationV2,
	}
)

// Names of secret stores in version 2, by the names of the newest version.
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
		secret := maps.Clone(config.(object)) //nolint:forcetypeassert // the schema has an object here
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
	return invalid("secret_config.type", "must be one of AWS, GCP, AZURE, KUBERNETES, HASHICORP_VAULT, APONO")
}
