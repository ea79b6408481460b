-- Version 3: what exactly answered. Of models run on this machine: runtime, device, dtype, weights (a hash of the files),
-- quantisation, template (a hash of the chat template, or none), scoring. Null or {} where the server alone knows.

alter table runs add column backend json;
