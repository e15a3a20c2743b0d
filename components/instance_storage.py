"""Which instance types store on their own disks instead of on an EBS volume."""

import re

_LOCAL_DISKS = re.compile(
    r"ml\.("
    r"[cmr]\d+[gia]?d[n]?"  # the d of c5d, m6gd, r7gd
    r"|g4dn|g[5-9]e?|p3dn|p[4-9](-?[a-z0-9]+)*"  # GPU families
    r"|trn\d+n?|dl\d"
    r")\.[a-z0-9-]+"
)


def has_local_storage(instance_type: str) -> bool:
    """Whether SageMaker refuses a volume key for this type, for example for `ml.g5.xlarge`.

    Such disks are always encrypted, by a module of the instance, with a key that nobody can see.
    Source: Amazon SageMaker API, CreateEndpointConfig.KmsKeyId and ResourceConfig.VolumeKmsKeyId;
    Amazon EC2 User Guide, "Instance store volumes".
    """
    return _LOCAL_DISKS.fullmatch(instance_type) is not None
