"""What runs builds, behind one port: CodeBuild on AWS, a limited process on a laptop."""
