"""A collaborative-filtering recommender on MovieLens: the system that recwatch's demo watches."""
