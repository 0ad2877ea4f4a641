"""What all models of answers of aintandem have in common."""

from ai_agents import _model


class Model(_model.Model):
    @property
    def id(self) -> str:
        """The id of what this is, which the API calls by its kind: `workspace_id` of a workspace. Raises AttributeError without one."""
        name = next(iter(type(self).model_fields), "")
        if not name.endswith("_id"):
            raise AttributeError(f"{type(self).__name__} has no id")
        return str(getattr(self, name))
